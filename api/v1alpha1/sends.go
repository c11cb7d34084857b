package v1alpha1

import (
	"strings"

	"github.com/headway-dev/headway/api/address"
)

// Send is a Channel that the pods of a revision send to.
//
// +kubebuilder:object:generate=false
type Send struct {
	// As is the name by which the app knows the Channel.
	As string
	// Namespace and Channel are where its events go.
	Namespace, Channel string
}

// SendsTo are the Channels that the pods of a revision have tokens for. Those of a
// preview are its own branches: it can reach no Channel of production with a token.
func (r *Revision) SendsTo() []Send {
	var all []Send
	seen := map[string]bool{}
	for _, entry := range r.Spec.Sends {
		to := Send{As: entry, Namespace: r.Namespace, Channel: entry}
		if namespace, name, ok := strings.Cut(entry, "/"); ok {
			to = Send{As: name, Namespace: namespace, Channel: name}
		}
		if p := r.Spec.Preview; p != nil {
			if to.Namespace != r.Namespace || p.ChannelSuffix == "" {
				continue
			}
			to.Channel = address.ChannelBranch(to.Channel, p.ChannelSuffix)
		}
		if !seen[to.As] {
			seen[to.As] = true
			all = append(all, to)
		}
	}
	return all
}
