package eventing

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
)

// forwardedHeader is on requests that another replica has passed on. They are not
// passed on again.
const forwardedHeader = "Headway-Forwarded"

// gate answers requests: by the leader's handler where this process leads, else
// by passing them on to the leader. A body is passed on as it comes, so none is
// held here.
type gate struct {
	local  atomic.Pointer[http.Handler]
	leader atomic.Pointer[url.URL]
	proxy  *httputil.ReverseProxy
	// vouch tells the leader who has sent a request, where that cannot be seen from
	// it.
	vouch func(context.Context, http.Header) error
}

func newGate(vouch func(context.Context, http.Header) error) *gate {
	g := &gate{vouch: vouch}
	g.proxy = &httputil.ReverseProxy{
		FlushInterval: -1, // `headway events tail` waits for each line
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64, MaxConnsPerHost: 512, DisableCompression: true},
		Rewrite: func(r *httputil.ProxyRequest) {
			leader := r.In.Context().Value(leaderKey{}).(*url.URL)
			r.SetURL(leader)
			r.Out.Host = r.In.Host
			r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
			r.SetXForwarded()
			r.Out.Header.Set(forwardedHeader, "1")
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			slog.Debug("passing a request on to the leader", "err", err)
			later(w)
		},
	}
	return g
}

// leaderKey is where a request's context has the leader that it goes to.
type leaderKey struct{}

// lead has a handler answer from now on.
func (g *gate) lead(h http.Handler) { g.local.Store(&h) }

// follow passes requests on to a URL; "" is nowhere.
func (g *gate) follow(to string) {
	u, err := url.Parse(to)
	if err != nil || to == "" {
		u = nil
	}
	g.leader.Store(u)
}

// ready returns why a request would not be answered.
func (g *gate) ready() error {
	if g.local.Load() == nil && g.leader.Load() == nil {
		return errNoLeader
	}
	return nil
}

var errNoLeader = errors.New("no process delivers events yet")

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if local := g.local.Load(); local != nil {
		(*local).ServeHTTP(w, r)
		return
	}
	leader := g.leader.Load()
	if leader == nil || r.Header.Get(forwardedHeader) != "" {
		later(w)
		return
	}
	if err := g.vouch(r.Context(), r.Header); err != nil {
		slog.Debug("passing a request on to the leader", "err", err)
		later(w)
		return
	}
	g.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), leaderKey{}, leader)))
}

// later has the sender try again.
func later(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "The events cannot be kept at the moment. Send them again.", http.StatusServiceUnavailable)
}
