package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines/imagesize"
)

const (
	// configTimeout bounds Config, which may have to log in to a registry far
	// away.
	configTimeout = 5 * time.Second
	// maxBody bounds one answer, in bytes: anybody's registry may be named.
	maxBody = 4 << 20
	// maxProcess bounds what an image says of its process, in bytes: it goes
	// into the Revision, which every activator and autoscaler hears of, and into
	// its pods.
	maxProcess = 32 << 10
)

var (
	errTooLong = fmt.Errorf("the image's user, command and directory take more than %d KiB", maxProcess>>10)
	errForeign = errors.New("it belongs to another namespace")
	errLocal   = errors.New("its registry is an address of the machine itself")
)

// Config returns what an image, named by digest, says of its process, and its
// size, to people of a namespace. An index stands for its image for Linux and the architecture
// of this program. Reason makes the error fit for a status.
func (c *Client) Config(ctx context.Context, namespace, image string) (*v1alpha1.ImageConfig, error) {
	ctx, cancel := context.WithTimeout(ctx, configTimeout)
	defer cancel()
	ref, err := c.reference(image)
	if err != nil {
		return nil, fmt.Errorf("naming image %s: %w", image, err)
	}
	if err := c.allowed(ref.Context(), namespace); err != nil {
		return nil, fmt.Errorf("reading image %s: %w", image, err)
	}
	keychain, err := c.keychain(ctx)
	if err != nil {
		return nil, err
	}
	return configOf(ref, reading(ctx, keychain))
}

// allowed keeps people from reading with this program's credentials and from
// its place in the network what is not theirs: images that were built for other
// namespaces, and what listens on the machine itself.
func (c *Client) allowed(repository name.Repository, namespace string) error {
	host, prefix := repository.RegistryStr(), c.Prefix
	// "docker.io" has a longer name, too.
	if below, err := name.NewRepository(c.Prefix + "/of/app"); err == nil {
		prefix = strings.TrimSuffix(below.Name(), "/of/app")
	}
	// A registry may take "a/../b" for "b".
	full := host + "/" + path.Clean(repository.RepositoryStr())
	if strings.HasPrefix(full, prefix+"/") && !strings.HasPrefix(full, prefix+"/"+namespace+"/") {
		return errForeign
	}
	own, _, _ := strings.Cut(prefix, "/")
	if host != own && !slices.Contains(c.Insecure, host) && isLocal(host) {
		return errLocal
	}
	return nil
}

// isLocal reports whether host, which may have a port, names the machine itself
// or its link, where clouds tell machines their credentials.
func isLocal(host string) bool {
	address := strings.TrimSuffix(strings.ToLower((&url.URL{Host: host}).Hostname()), ".")
	if address == "localhost" || strings.HasSuffix(address, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(address)
	ip = ip.Unmap()
	return err == nil && (ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified())
}

// Reason says why an image could not be read without a word of what the
// registry, which may be any server, has sent.
func Reason(err error) string {
	for _, own := range []error{errTooLong, errForeign, errLocal} {
		if errors.Is(err, own) {
			return own.Error()
		}
	}
	var answer *transport.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "the registry did not answer in time"
	case !errors.As(err, &answer):
		return "the registry cannot be read"
	case answer.StatusCode == http.StatusNotFound:
		return "the registry does not have it"
	case answer.StatusCode == http.StatusUnauthorized, answer.StatusCode == http.StatusForbidden:
		return "the registry refuses access"
	}
	return fmt.Sprintf("the registry answers with status %d", answer.StatusCode)
}

// Passing reports whether a later try may end better than err: the registry, or
// the way there, is out of order. What it has not, does not give or says in a
// way that is no image's stays so.
func Passing(err error) bool {
	var answer *transport.Error
	if errors.As(err, &answer) {
		return answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests
	}
	var connection net.Error // a timeout and an unknown host, too
	var credentials apierrors.APIStatus
	return errors.As(err, &connection) || errors.As(err, &credentials) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF)
}

func configOf(ref name.Reference, options []remote.Option) (*v1alpha1.ImageConfig, error) {
	image, err := remote.Image(ref, options...)
	if err != nil {
		return nil, fmt.Errorf("reading image %s: %w", ref, err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading configuration of image %s: %w", ref, err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		return nil, fmt.Errorf("reading manifest of image %s: %w", ref, err)
	}
	config := &v1alpha1.ImageConfig{
		User: file.Config.User, Entrypoint: file.Config.Entrypoint, Cmd: file.Config.Cmd, WorkingDir: file.Config.WorkingDir,
		SizeBytes: imagesize.Of(manifest),
	}
	if size(config) > maxProcess {
		return nil, fmt.Errorf("reading configuration of image %s: %w", ref, errTooLong)
	}
	return config, nil
}

// size is about that of c in JSON.
func size(c *v1alpha1.ImageConfig) int {
	const quotes = len(`"",`)
	n := len(c.User) + len(c.WorkingDir)
	for _, word := range slices.Concat(c.Entrypoint, c.Cmd) {
		n += len(word) + quotes
	}
	return n
}

func reading(ctx context.Context, keychain authn.Keychain) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx),
		remote.WithAuthFromKeychain(keychain),
		remote.WithPlatform(v1.Platform{OS: "linux", Architecture: runtime.GOARCH}),
		remote.WithTransport(bounded{remote.DefaultTransport}),
	}
}

// bounded cuts answers that are longer than any manifest or configuration.
type bounded struct{ inner http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.inner.RoundTrip(r)
	if err == nil {
		response.Body = http.MaxBytesReader(nil, response.Body, maxBody)
	}
	return response, err
}
