package ociimage

import (
	"context"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
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
	// A transport of its own: a proxy of the environment must not see loopback traffic.
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	defer transport.CloseIdleConnections()
	options := []remote.Option{remote.WithContext(ctx), remote.WithTransport(transport)}

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
