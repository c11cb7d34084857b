package main

import (
	"context"
	"crypto/rand"

	"github.com/headway-dev/headway/deploy/kubectl"
)

// peersSecret is the Secret with the password that replicas of eventing have in
// common.
const peersSecret = "headway-eventing-peers"

// peerPassword is a new one; "" if there is no need for one, or the cluster has
// one: it stays as long as its Secret does.
type peerPassword string

func findPeerPassword(ctx context.Context, k kubectl.Kubectl, s settings) (peerPassword, error) {
	if !s.clustered() {
		return "", nil
	}
	found, err := k.Run(ctx, "", "get", "secret", peersSecret, "--namespace="+system, "--ignore-not-found", "--output=name")
	if err != nil || found != "" {
		return "", err
	}
	return peerPassword(rand.Text()), nil
}

// literals are the content of the Secret; none when there is no new one.
func (p peerPassword) literals() []string {
	if p == "" {
		return nil
	}
	return []string{"password=" + string(p)}
}
