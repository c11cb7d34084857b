// Package registry looks up images: those that were pushed by earlier builds,
// what an image says of its process, and its size; and it removes those that
// nobody will ask for. It reads manifests and configurations, never layers;
// pushing is the build's business.
package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines/credentials"
)

// timeout bounds one look-up: a registry that hangs must not hold up a build.
const timeout = 3 * time.Second

// Client speaks to registries.
type Client struct {
	// Secrets reads the Secret, past any cache.
	Secrets client.Reader
	// Secret of type kubernetes.io/dockerconfigjson; an empty name means that
	// the registry needs no credentials.
	Secret client.ObjectKey
	// Prefix, host and path, is the platform's own part of its registry: below
	// it each namespace has its images.
	Prefix string
	// Insecure are the registries, host:port, that speak plain http.
	Insecure []string
}

// Find returns the digest and configuration of repository:tag. The digest is
// empty when there is no such image.
func (c *Client) Find(ctx context.Context, repository, tag string) (string, *v1alpha1.ImageConfig, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ref, err := c.reference(repository + ":" + tag)
	if err != nil {
		return "", nil, fmt.Errorf("naming image %s:%s: %w", repository, tag, err)
	}
	keychain, err := c.keychain(ctx)
	if err != nil {
		return "", nil, err
	}
	options := reading(ctx, keychain)
	head, err := remote.Head(ref, options...)
	if answer := (*transport.Error)(nil); errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, fmt.Errorf("looking up image %s: %w", ref, err)
	}
	config, err := configOf(ref.Context().Digest(head.Digest.String()), options)
	if err != nil {
		return "", nil, err
	}
	return head.Digest.String(), config, nil
}

// Remove removes an image, named by digest, from the platform's own registry; the
// same image under another name stays. Many registries refuse that.
func (c *Client) Remove(ctx context.Context, image string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	ref, err := c.reference(image)
	if err != nil {
		return fmt.Errorf("naming image %s: %w", image, err)
	}
	keychain, err := c.keychain(ctx)
	if err != nil {
		return err
	}
	if err := remote.Delete(ref, reading(ctx, keychain)...); err != nil {
		return fmt.Errorf("removing image %s: %w", image, err)
	}
	return nil
}

// reference parses an image's name, and decides between http and https.
func (c *Client) reference(image string) (name.Reference, error) {
	ref, err := name.ParseReference(image)
	if err == nil && slices.Contains(c.Insecure, ref.Context().RegistryStr()) {
		return name.ParseReference(image, name.Insecure)
	}
	return ref, err
}

// keychain reads the Secret each time, so that rotated credentials count at
// once.
func (c *Client) keychain(ctx context.Context) (authn.Keychain, error) {
	if c.Secret.Name == "" {
		return credentials.Keychain{}, nil
	}
	var secret corev1.Secret
	if err := c.Secrets.Get(ctx, c.Secret, &secret); err != nil {
		return nil, fmt.Errorf("reading registry credentials: %w", err)
	}
	keys, err := credentials.Parse(secret.Data[corev1.DockerConfigJsonKey])
	if err != nil {
		return nil, fmt.Errorf("key %s of secret %s: %w", corev1.DockerConfigJsonKey, c.Secret, err)
	}
	return keys, nil
}
