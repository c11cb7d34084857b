// Package pool gives each Repository the client of its forge.
//
// It promises one client per Repository for as long as its spec and credentials
// stay as they are, so that what the client remembers saves requests, and that
// Repositories with the same credentials are patient together.
package pool

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

// Pool has the clients. It is safe for concurrent use.
type Pool struct {
	secrets client.Reader
}

// New makes a Pool that reads Secrets past any cache, so that credentials are
// not kept in one.
func New(secrets client.Reader) *Pool { return &Pool{secrets: secrets} }

// Client gives the client of a Repository's forge; nil, nil where spec.forge is
// not set. It fails with an *forge.Error where the spec or the credentials cannot
// be used, and with another error where the Kubernetes API does not answer.
func (p *Pool) Client(_ context.Context, repo *v1alpha1.Repository) (forge.Client, error) {
	if repo.Spec.Forge == nil {
		return nil, nil
	}
	return nil, forge.Errorf(v1alpha1.ReasonForgeUnknown, "no forge is known by the type %q; set spec.forge.type", repo.Spec.Forge.Type)
}

// Forget lets go of a Repository's client: of one that is deleted, and of one
// that is to be asked at once although it has refused, as after a person has
// asked for a look.
func (p *Pool) Forget(types.UID) {}
