package git

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

// Session is one look at a remote: the refs it advertised, and fetches on the
// same connection. It is not safe for concurrent use.
type Session struct {
	client   *Client
	endpoint *transport.Endpoint
	secret   map[string][]byte
	pack     packSession
	adv      *packp.AdvRefs
	refs     map[string]string
	consumed bool
	place    place
}

// Connect reads what a remote advertises (git ls-remote). secret holds the
// credentials and may be nil. Errors are of type *Error.
func (c *Client) Connect(ctx context.Context, url string, secret map[string][]byte) (*Session, error) {
	ep, err := endpoint(url)
	if err != nil {
		return nil, err
	}
	return c.connect(ctx, ep, secret)
}

func (c *Client) connect(ctx context.Context, ep *transport.Endpoint, secret map[string][]byte) (*Session, error) {
	s := &Session{client: c, endpoint: ep, secret: secret, place: place{crowd: c.crowd}}
	if err := s.open(ctx); err != nil {
		s.place.leave()
		return nil, err
	}
	s.refs = commits(s.adv)
	return s, nil
}

// open starts a conversation and reads the advertisement.
func (s *Session) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(withPlace(ctx, &s.place), s.client.limits.RefsTimeout)
	defer cancel()
	pack, err := s.client.open(ctx, s.endpoint, s.secret)
	if err != nil {
		return s.classify(ctx, err)
	}
	adv, err := pack.AdvertisedReferencesContext(ctx)
	if err != nil {
		_ = pack.Close()
		return s.classify(ctx, err)
	}
	s.pack, s.adv = pack, adv
	return nil
}

// classify gives an error of this session as an *Error.
func (s *Session) classify(ctx context.Context, err error) error {
	err = classify(unwrap(ctx, err), s.endpoint.Host, s.client.limits)
	if s.secret == nil {
		return askForCredentials(err, s.endpoint.Host)
	}
	return err
}

// commits maps full ref names to commits: an annotated tag to what it tags.
func commits(adv *packp.AdvRefs) map[string]string {
	refs := make(map[string]string, len(adv.References))
	for name, hash := range adv.References {
		if peeled, ok := adv.Peeled[name]; ok {
			hash = peeled
		}
		refs[name] = hash.String()
	}
	return refs
}

// Refs are the full names of the remote's refs and the commits they point at.
func (s *Session) Refs() map[string]string { return s.refs }

// Close ends the session.
func (s *Session) Close() {
	_ = s.pack.Close()
	s.place.leave()
}

// ErrNotAdvertised: a server may refuse a commit that no ref points at.
var ErrNotAdvertised = errors.New("the server gives only commits that a ref points at")

// ask is what to ask a remote for.
type ask struct {
	// wants are commits; what those in have hold is left out.
	wants, have []string
	// depth is how many commits of the history come with each; 0 is all of
	// them.
	depth int
	// filter leaves objects out, where the remote offers filters.
	filter packp.Filter
	// limit is the most that may come, uncompressed, in bytes; 0 is the limit of
	// every pack alone.
	limit int64
}

// download asks for commits and puts their pack into a file in dir. The caller
// removes it.
func (s *Session) download(ctx context.Context, dir string, a ask) (*incoming, error) {
	ctx, cancel := context.WithTimeout(ctx, s.client.limits.FetchTimeout)
	defer cancel()
	if s.consumed { // one pack per conversation over ssh
		_ = s.pack.Close()
		if err := s.open(ctx); err != nil {
			return nil, err
		}
	}
	s.consumed = true
	pace, ctx, done := paced(ctx)
	defer done()
	pack, err := s.receive(ctx, pace, dir, s.request(a), a.limit)
	if err != nil {
		if refusesWant(err) {
			return nil, ErrNotAdvertised
		}
		return nil, s.classify(ctx, err)
	}
	return pack, nil
}

// request asks for a pack. What the commits in have hold is left out: in a
// shallow request a server does that for thin packs only.
func (s *Session) request(a ask) *packp.UploadPackRequest {
	req := packp.NewUploadPackRequestFromCapabilities(s.adv.Capabilities)
	for _, want := range a.wants {
		req.Wants = append(req.Wants, plumbing.NewHash(want))
	}
	// Setting a capability without arguments does not fail.
	if s.adv.Capabilities.Supports(capability.NoProgress) {
		_ = req.Capabilities.Set(capability.NoProgress)
	}
	if a.filter != "" {
		_ = req.Capabilities.Set(capability.Filter)
		req.Filter = a.filter
	}
	if a.depth == 0 {
		for _, h := range a.have {
			req.Haves = append(req.Haves, plumbing.NewHash(h))
		}
		return req
	}
	if !s.adv.Capabilities.Supports(capability.Shallow) {
		return req // the whole history, then; the limits hold
	}
	_ = req.Capabilities.Set(capability.Shallow)
	req.Depth = packp.DepthCommits(a.depth)
	for _, h := range a.have {
		req.Haves = append(req.Haves, plumbing.NewHash(h))
		req.Shallows = append(req.Shallows, plumbing.NewHash(h))
	}
	if len(a.have) > 0 {
		_ = req.Capabilities.Set(capability.ThinPack)
	}
	return req
}

func (s *Session) receive(ctx context.Context, pace *pace, dir string, req *packp.UploadPackRequest, limit int64) (_ *incoming, err error) {
	res, err := s.pack.UploadPack(ctx, req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Close() }()
	var pack io.Reader = res
	switch {
	case req.Capabilities.Supports(capability.Sideband64k):
		pack = sideband.NewDemuxer(sideband.Sideband64k, res)
	case req.Capabilities.Supports(capability.Sideband):
		pack = sideband.NewDemuxer(sideband.Sideband, res)
	}
	if limit > 0 {
		pack = io.LimitReader(pack, limit+1) // compressed, it is smaller
	}
	in, err := s.client.receive(dir, pace.of(pack))
	if err == nil && limit > 0 && in.size > limit {
		in.remove()
		return nil, tooFar(s.client.limits)
	}
	return in, err
}

// refusesWant: the protocol has no code for it, and go-git's HTTP session
// keeps only the text.
func refusesWant(err error) bool {
	text := err.Error()
	return strings.Contains(text, "not our ref") || strings.Contains(text, "unadvertised object")
}

// unwrap takes away go-git's wrappers that hide the cause, and prefers the
// reason why a context ended to what the reader under it saw.
func unwrap(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var unexpected *plumbing.UnexpectedError
	var permanent *plumbing.PermanentError
	switch {
	case errors.As(err, &unexpected):
		return unwrap(ctx, unexpected.Err)
	case errors.As(err, &permanent):
		return unwrap(ctx, permanent.Err)
	}
	if _, text, found := strings.Cut(err.Error(), "error decoding upload-pack response: "); found {
		return &pktline.ErrorLine{Text: text}
	}
	return err
}
