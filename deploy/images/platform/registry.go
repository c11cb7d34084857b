package platform

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Registry is where images go. Credentials are those of the docker configuration
// of whoever runs this.
type Registry struct {
	registry string
	client   *http.Transport
	naming   []name.Option
}

// NewRegistry checks the registry's name, which may have a path. With an address,
// connections go there whatever the name says, and past any proxy. Close ends
// them.
func NewRegistry(registry, address string, plainHTTP bool) (*Registry, error) {
	if _, err := name.NewRepository(registry + "/" + Controller); err != nil || registry == "" || strings.Contains(registry, "://") {
		return nil, fmt.Errorf("%q is not a registry: want a host and a path, such as registry.example.com/headway", registry)
	}
	client := http.DefaultTransport.(*http.Transport).Clone()
	var naming []name.Option
	if plainHTTP {
		naming = append(naming, name.Insecure)
	}
	if address != "" {
		client.Proxy = nil
		dialer := &net.Dialer{}
		client.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		}
	}
	return &Registry{registry: registry, client: client, naming: naming}, nil
}

// Close ends the connections.
func (r *Registry) Close() { r.client.CloseIdleConnections() }

func (r *Registry) options(ctx context.Context) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx),
		remote.WithTransport(r.client),
		remote.WithAuthFromKeychain(authn.DefaultKeychain),
	}
}

// Place is where an image is in the registry.
type Place struct{ Image, Tag string }

// Ensure makes an image and pushes it to all places, unless the registry has it
// at each of them. It returns the reference by digest of the first, and whether
// something was pushed.
func (r *Registry) Ensure(ctx context.Context, build func() (v1.Image, error), places ...Place) (reference string, pushed bool, err error) {
	missing := false
	for _, place := range slices.Backward(places) {
		var there bool
		if reference, there, err = r.find(ctx, place); err != nil {
			return "", false, err
		}
		missing = missing || !there
	}
	if !missing {
		return reference, false, nil
	}
	image, err := build()
	if err != nil {
		return "", false, err
	}
	for _, place := range slices.Backward(places) {
		if reference, err = r.push(ctx, place, image); err != nil {
			return "", false, err
		}
	}
	return reference, true, nil
}

// find looks a place up and returns the reference by digest.
func (r *Registry) find(ctx context.Context, place Place) (reference string, there bool, err error) {
	ref, err := r.tag(place)
	if err != nil {
		return "", false, err
	}
	found, err := remote.Head(ref, r.options(ctx)...)
	if err == nil {
		return ref.Context().Digest(found.Digest.String()).String(), true, nil
	}
	var refused *transport.Error
	if errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound {
		return "", false, nil
	}
	return "", false, fmt.Errorf("looking for %s: %w", ref, err)
}

// push uploads what the registry lacks of an image and returns the reference by
// digest.
func (r *Registry) push(ctx context.Context, place Place, image v1.Image) (string, error) {
	ref, err := r.tag(place)
	if err != nil {
		return "", err
	}
	if err := remote.Write(ref, image, r.options(ctx)...); err != nil {
		return "", fmt.Errorf("pushing %s: %w", ref, err)
	}
	digest, err := image.Digest()
	if err != nil {
		return "", fmt.Errorf("computing the digest: %w", err)
	}
	return ref.Context().Digest(digest.String()).String(), nil
}

func (r *Registry) tag(place Place) (name.Tag, error) {
	ref, err := name.NewTag(r.registry+"/"+place.Image+":"+place.Tag, r.naming...)
	if err != nil {
		return ref, fmt.Errorf("naming the image: %w", err)
	}
	return ref, nil
}
