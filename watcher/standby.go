package watcher

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"time"

	"github.com/headway-dev/headway/api/election"
)

const (
	// passedOn marks a request that another replica has passed on, so that none
	// goes in circles.
	passedOn = "Headway-Passed-On"
	// findsLeader is how long a request waits for a leader: a lease and a start.
	// Senders of webhooks wait for 10 s or longer.
	findsLeader = 8 * time.Second
	// leaderPause is between two tries.
	leaderPause = 250 * time.Millisecond
	// maxPassing bounds what waits or is passed on at a time in each endpoint.
	maxPassing = 256
)

// leads says who answers.
type leads interface {
	Leads() bool
	Address() string
}

var _ leads = (*election.Leader)(nil)

// onLeader answers requests where this replica leads and passes them on to the one
// that does from all others, so that every replica can be asked. While none leads a
// request waits, and its sender gets 503 in the end.
type onLeader struct {
	leads
	port   string
	own    http.Handler
	places chan struct{}
	log    *slog.Logger
}

// newOnLeader is for an endpoint that all replicas have at the same port.
func newOnLeader(who leads, address string, own http.Handler, log *slog.Logger) (*onLeader, error) {
	_, port, err := net.SplitHostPort(address)
	return &onLeader{leads: who, port: port, own: own, places: make(chan struct{}, maxPassing), log: log}, err
}

// ServeHTTP implements http.Handler.
func (o *onLeader) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.Leads() {
		o.own.ServeHTTP(w, r)
		return
	}
	if r.Header.Get(passedOn) != "" {
		unavailable(w)
		return
	}
	select {
	case o.places <- struct{}{}:
		defer func() { <-o.places }()
	default:
		unavailable(w)
		return
	}
	address := o.find(r.Context())
	switch {
	case o.Leads():
		o.own.ServeHTTP(w, r)
	case address == "":
		unavailable(w)
	default:
		o.pass(address).ServeHTTP(w, r)
	}
}

// find waits for a leader that can be reached, and gives its address; "" when this
// replica has become it, or there is none in time.
func (o *onLeader) find(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, findsLeader)
	defer cancel()
	dialer := net.Dialer{Timeout: time.Second}
	for {
		if o.Leads() {
			return ""
		}
		if ip := o.Address(); ip != "" {
			address := net.JoinHostPort(ip, o.port)
			if conn, err := dialer.DialContext(ctx, "tcp", address); err == nil {
				_ = conn.Close()
				return address
			}
		}
		select {
		case <-ctx.Done():
			return ""
		case <-time.After(leaderPause):
		}
	}
}

func (o *onLeader) pass(address string) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", address
			r.Out.Host = r.In.Host
			r.Out.Header.Set(passedOn, "1")
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			o.log.Warn("request cannot be passed on to the leader", "path", r.URL.Path, "leader", address, "error", err)
			unavailable(w)
		},
	}
}

func unavailable(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "no watcher leads at the moment; try again", http.StatusServiceUnavailable)
}
