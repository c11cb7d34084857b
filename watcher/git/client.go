package git

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"golang.org/x/sync/semaphore"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/credentials"
)

// Client connects to remotes. It keeps HTTP connections for the next look.
// Safe for concurrent use.
type Client struct {
	limits Limits
	room   room
	crowd  crowd
	// disk is the room for packs on their way in.
	disk *semaphore.Weighted
	// pushes has room for those that may run at once: each holds its objects in
	// memory.
	pushes chan struct{}

	mu sync.Mutex
	// webs are by the authority that they trust beside the system's: "", or
	// certificates in PEM form.
	webs map[string]web
}

// web is how a remote is spoken to over http(s): git's protocol, and http itself.
type web struct {
	git  transport.Transport
	base http.RoundTripper
	auth *githttp.BasicAuth
}

// maxPushes bounds the pushes of all Repositories together.
const maxPushes = 8

// maxAuthorities bounds the kept transports; past it they are made anew.
const maxAuthorities = 64

// NewClient makes a Client with the given bounds.
func NewClient(limits Limits) *Client {
	return &Client{limits: limits, room: newRoom(limits.Memory), crowd: newCrowd(), disk: semaphore.NewWeighted(limits.IncomingBytes), pushes: make(chan struct{}, maxPushes), webs: map[string]web{}}
}

// web gives the transport that trusts the Secret's authority too, with its
// credentials.
func (c *Client) web(secret map[string][]byte) (web, error) {
	auth, err := httpAuth(secret)
	if err != nil {
		return web{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	authority := secret[credentials.KeyCA]
	if w, ok := c.webs[string(authority)]; ok {
		w.auth = auth
		return w, nil
	}
	base, err := credentials.Transport(authority)
	switch {
	case errors.Is(err, credentials.ErrCA):
		return web{}, secretInvalid(err.Error())
	case err != nil:
		return web{}, err
	}
	base.MaxIdleConns, base.MaxIdleConnsPerHost = 256, 8
	base.ResponseHeaderTimeout = c.limits.FetchTimeout
	if len(c.webs) >= maxAuthorities {
		clear(c.webs)
	}
	w := web{git: githttp.NewClient(&http.Client{Transport: &boundedTransport{base: base, limits: c.limits}}), base: base}
	c.webs[string(authority)] = w // without the credentials
	w.auth = auth
	return w, nil
}

// packSession is one conversation with git-upload-pack.
type packSession interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	UploadPack(context.Context, *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	Close() error
}

var scpForm = regexp.MustCompile(`^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:.+$`)

// endpoint reads the URL of a repository.
func endpoint(url string) (*transport.Endpoint, error) {
	ep, err := transport.NewEndpoint(url)
	if err != nil || !scpForm.MatchString(url) && !strings.Contains(url, "://") || ep.Host == "" || strings.Trim(ep.Path, "/") == "" ||
		!slices.Contains([]string{"http", "https", "ssh"}, ep.Protocol) {
		return nil, errInvalidURL // NewEndpoint's own error repeats the url
	}
	return ep, nil
}

// open starts a conversation about fetching; over ssh this connects and
// authenticates.
func (c *Client) open(ctx context.Context, ep *transport.Endpoint, secret map[string][]byte) (packSession, error) {
	if ep.Protocol == "ssh" {
		return c.openSSH(ctx, ep, secret, transport.UploadPackServiceName)
	}
	w, err := c.web(secret)
	if err != nil {
		return nil, err
	}
	return w.git.NewUploadPackSession(ep, w.method())
}

func (c *Client) openSSH(ctx context.Context, ep *transport.Endpoint, secret map[string][]byte, program string) (*sshSession, error) {
	config, err := sshConfig(ep, secret)
	if err != nil {
		return nil, err
	}
	return dialSSH(ctx, ep, config, program, c.limits)
}

// method is how to authenticate: a nil *BasicAuth in an interface is not nil.
func (w web) method() transport.AuthMethod {
	if w.auth == nil {
		return nil
	}
	return w.auth
}

var errInvalidURL = failure(v1alpha1.ReasonInvalidURL, "spec.url is not a repository's URL; use https://host/owner/name.git, ssh://git@host/owner/name.git or git@host:owner/name.git")

// boundedTransport cuts a response that is longer than its limit, and reads
// the end of a short one so that the connection can be used again.
type boundedTransport struct {
	base   http.RoundTripper
	limits Limits
}

func (t *boundedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	limit := t.limits.RefsBytes
	if req.Method == http.MethodPost {
		limit = t.limits.PackBytes
	}
	if res.StatusCode >= 300 {
		limit = 64 << 10 // an error page, quoted in a message
		res.Body = truncated{io.LimitReader(res.Body, limit), res.Body}
		return res, nil
	}
	body := http.MaxBytesReader(nil, res.Body, limit)
	res.Body = reusable{struct {
		io.Reader
		io.Closer
	}{advertised(req.Context(), body), body}}
	return res, nil
}

// truncated is a body that ends early without an error.
type truncated struct {
	io.Reader
	io.Closer
}

// reusable is a body whose connection can be used again: Close reads the few
// bytes that may be left.
type reusable struct{ io.ReadCloser }

func (b reusable) Close() error {
	_, _ = io.CopyN(io.Discard, b.ReadCloser, 4<<10)
	return b.ReadCloser.Close()
}
