package ociimage

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// Tag is the content tag of an image: the first 16 hex digits of its digest.
func Tag(image v1.Image) (string, error) {
	digest, err := image.Digest()
	if err != nil {
		return "", fmt.Errorf("computing image digest: %w", err)
	}
	return digest.Hex[:16], nil
}

// Push uploads the image to endpoint ("host:port" of a plain-http registry) as
// repository:tag. Layers the registry already has are not sent, and nothing is
// sent at all when the tag already names this very image.
func Push(ctx context.Context, endpoint, repository, tag string, image v1.Image) error {
	ref, err := name.NewTag(endpoint+"/"+repository+":"+tag, name.Insecure)
	if err != nil {
		return fmt.Errorf("naming image %s: %w", repository, err)
	}
	options, done := connect(ctx)
	defer done()
	digest, err := image.Digest()
	if err != nil {
		return fmt.Errorf("computing digest of %s: %w", repository, err)
	}
	if present, err := remote.Head(ref, options...); err == nil && present.Digest == digest {
		return nil
	}
	if err := remote.Write(ref, image, options...); err != nil {
		return fmt.Errorf("pushing %s: %w", ref, err)
	}
	return nil
}

// Exists reports whether the registry at endpoint has "repository:tag".
func Exists(ctx context.Context, endpoint, reference string) (bool, error) {
	ref, err := name.ParseReference(endpoint+"/"+reference, name.Insecure)
	if err != nil {
		return false, fmt.Errorf("naming image %s: %w", reference, err)
	}
	options, done := connect(ctx)
	defer done()
	_, err = remote.Head(ref, options...)
	var refused *transport.Error
	if errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking up %s: %w", ref, err)
	}
	return true, nil
}

// connect makes a transport of its own: a proxy of the environment must not see
// traffic inside the machine.
func connect(ctx context.Context) (options []remote.Option, done func()) {
	direct := http.DefaultTransport.(*http.Transport).Clone()
	direct.Proxy = nil
	return []remote.Option{remote.WithContext(ctx), remote.WithTransport(direct)}, direct.CloseIdleConnections
}
