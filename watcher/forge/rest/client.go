package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/headway-dev/headway/watcher/forge"
)

// Config of a Client.
type Config struct {
	// Forge is its type, for metrics.
	Forge string
	// Base is the address of the API, without credentials.
	Base *url.URL
	// Repository is what it is called there, for messages.
	Repository string
	Auth       Authorizer
	Account    *Account
	// Header goes with each request.
	Header http.Header
	// Tags: the forge gives entity tags, by which unchanged answers are saved.
	Tags bool
}

// Client asks a forge about one repository. It is safe for concurrent use.
type Client struct {
	forge, repository string
	base              *url.URL
	auth              Authorizer
	account           *Account
	header            http.Header
	tags              *tags
	moves             moves
	// server is shut while there is no answer at all.
	server Gate

	mu sync.Mutex
	// kinds are shut while what needs one right is refused, by the right's name;
	// reading and writing apart.
	kinds map[string]*Gate
}

// New makes a Client.
func New(config Config) *Client {
	c := &Client{
		forge: config.Forge, repository: config.Repository, base: config.Base, auth: config.Auth, account: config.Account, header: config.Header,
		moves: moves{to: map[string]move{}}, kinds: map[string]*Gate{},
	}
	if config.Tags {
		c.tags = &tags{entries: map[string]entry{}}
	}
	return c
}

// Host is the forge's name, for messages.
func (c *Client) Host() string { return c.base.Host }

// Call is one request.
type Call struct {
	// Method is GET where it is empty.
	Method string
	// Path below the API's address, as Path makes it.
	Path  string
	Query url.Values
	// Body is sent as JSON; nil for none.
	Body any
	// Into is a pointer to what the answer is read into; nil: it is not read. A
	// slice is read element by element.
	Into any
	// Right is what the credentials need for it.
	Right forge.Right
	// Repository: that nothing is found means that there is no such repository.
	Repository bool
}

// Answer to a Call that has succeeded.
type Answer struct{ Header http.Header }

// Path of segments, each of which may have any character.
func Path(segments ...string) string {
	escaped := make([]string, len(segments))
	for i, s := range segments {
		escaped[i] = url.PathEscape(s)
	}
	return strings.Join(escaped, "/")
}

// Do sends a request and reads the answer. Each failure is an *forge.Error, but
// for the end of ctx.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	if call.Method == "" {
		call.Method = http.MethodGet
	}
	if err := c.shut(call); err != nil {
		withheld.WithLabelValues(c.forge).Inc()
		return Answer{}, err
	}
	if call.Method != http.MethodGet {
		if err := c.account.turn(ctx); err != nil {
			return Answer{}, err
		}
	}
	answer, refused, err := c.try(ctx, call)
	if refused.failure != nil && refused.failure.Status == http.StatusUnauthorized && c.auth.Renew() {
		answer, refused, err = c.try(ctx, call)
	}
	if err != nil || ctx.Err() != nil {
		return Answer{}, errors.Join(err, ctx.Err())
	}
	return answer, c.conclude(call, refused)
}

// shut is the refusal of an earlier request that counts for this one, too.
func (c *Client) shut(call Call) error {
	now := time.Now()
	for _, g := range []*Gate{&c.account.gate, &c.server, c.kind(call)} {
		if err := g.Check(now); err != nil {
			return err
		}
	}
	return nil
}

// conclude shuts and opens gates by how a request went. An answer opens those that
// are not about what it refuses.
func (c *Client) conclude(call Call, r refusal) error {
	account, server, kind := &c.account.gate, &c.server, c.kind(call)
	switch r.scope {
	case nothing:
		account.Open()
		server.Open()
		kind.Open()
		if r.failure == nil {
			return nil
		}
		return r.failure
	case ofKind:
		account.Open()
		server.Open()
		return kind.Refuse(time.Now(), r.failure, r.wish)
	case ofServer:
		return server.Refuse(time.Now(), r.failure, r.wish)
	default:
		server.Open()
		return account.Refuse(time.Now(), r.failure, r.wish)
	}
}

func (c *Client) kind(call Call) *Gate {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := call.Right.Name
	if call.Method != http.MethodGet {
		name += ", writing"
	}
	g := c.kinds[name]
	if g == nil {
		g = &Gate{}
		c.kinds[name] = g
	}
	return g
}

// try sends a request once. The refusal has no failure where it has succeeded; err
// is one that is not about the forge's answer.
func (c *Client) try(ctx context.Context, call Call) (Answer, refusal, error) {
	bounded, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	at := c.address(call)
	res, err := c.send(bounded, call, at)
	var own *forge.Error
	switch {
	case errors.As(err, &own):
		return Answer{}, refusal{}, err // the credentials could not be had
	case err != nil:
		return Answer{}, refusal{failure: Unreachable(c.base.Host, err), scope: ofServer}, nil
	}
	defer func() {
		_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection can be used again
		_ = res.Body.Close()
	}()
	switch known, ok := c.known(call, at); {
	case res.StatusCode == http.StatusNotModified && ok:
		if err := json.Unmarshal(known.body, call.Into); err != nil {
			return Answer{}, refusal{}, fmt.Errorf("reading a remembered answer: %w", err)
		}
		return Answer{known.header}, refusal{}, nil
	case res.StatusCode < 200 || res.StatusCode > 299:
		return Answer{}, c.explain(call, res), nil
	case call.Into == nil:
		return Answer{res.Header}, refusal{}, nil
	}
	if what, err := read(res, call.Into); err != nil {
		if isTimeout(err) {
			return Answer{}, refusal{failure: Unreachable(c.base.Host, err), scope: ofServer}, nil
		}
		return Answer{}, c.unreadable(what), nil
	}
	if call.Method == http.MethodGet {
		c.tags.put(at, res.Header, call.Into)
	}
	return Answer{res.Header}, refusal{}, nil
}

// known is the answer that is remembered of a call.
func (c *Client) known(call Call, at string) (entry, bool) {
	if call.Method != http.MethodGet || call.Into == nil {
		return entry{}, false
	}
	return c.tags.find(at)
}

// address is the URL of a call.
func (c *Client) address(call Call) string {
	at := strings.TrimRight(c.base.String(), "/") + "/" + call.Path
	if len(call.Query) > 0 {
		at += "?" + call.Query.Encode()
	}
	return at
}

// send sends a request to at, and to where the forge has moved that.
func (c *Client) send(ctx context.Context, call Call, at string) (*http.Response, error) {
	var body []byte
	if call.Body != nil {
		var err error
		if body, err = json.Marshal(call.Body); err != nil {
			return nil, fmt.Errorf("encoding a request: %w", err)
		}
	}
	goal, now := at, time.Now()
	if to := c.moves.find(at, now); to != "" && call.Method == http.MethodGet {
		goal = to
	}
	for moved := 0; ; moved++ {
		req, err := c.request(ctx, call, goal, body)
		if err != nil {
			return nil, err
		}
		if known, ok := c.known(call, at); ok {
			req.Header.Set("If-None-Match", known.tag)
		}
		res, err := c.account.transport.RoundTrip(req)
		if err != nil {
			count(c.forge, 0)
			c.moves.drop(at)
			return nil, err
		}
		count(c.forge, res.StatusCode)
		next := follow(req, res)
		if next == "" || moved == maxMoves {
			if res.StatusCode >= 300 && res.StatusCode != http.StatusNotModified {
				c.moves.drop(at)
			}
			return res, nil
		}
		_, _ = io.CopyN(io.Discard, res.Body, 64<<10)
		_ = res.Body.Close()
		if res.StatusCode == http.StatusMovedPermanently || res.StatusCode == http.StatusPermanentRedirect {
			c.moves.put(at, next, now)
		}
		goal = next
	}
}

func (c *Client) request(ctx context.Context, call Call, at string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, call.Method, at, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	for name, values := range c.header {
		req.Header[name] = values
	}
	req.Header.Set("User-Agent", "headway")
	if call.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, c.auth.Authorize(ctx, req)
}

// follow is where an answer sends a request on to, on the same server, which is
// how a renamed repository is told; "" for another answer. A write is sent on as
// it is.
func follow(req *http.Request, res *http.Response) string {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	case http.StatusFound:
		if req.Method != http.MethodGet {
			return ""
		}
	default:
		return ""
	}
	to, err := req.URL.Parse(res.Header.Get("Location"))
	if err != nil || to.Scheme != req.URL.Scheme || to.Host != req.URL.Host || to.User != nil || to.String() == req.URL.String() {
		return ""
	}
	return to.String()
}

// read reads an answer; with an error it says what is wrong with it.
func read(res *http.Response, into any) (what string, err error) {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if !strings.HasSuffix(kind, "json") {
		return fmt.Sprintf("with %q and not with JSON", forge.Line(kind, 64)), errors.New("no JSON")
	}
	err = decode(res.Body, into)
	switch {
	case errors.Is(err, errTooLarge):
		return "with more than it is asked for", err
	case err != nil:
		return "in a form that its API does not have", err
	}
	return "", nil
}
