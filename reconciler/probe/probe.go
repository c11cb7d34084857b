// Package probe asks the pods of a revision that is starting whether they can
// take requests. It is the same check that the kubelet makes, but every few
// milliseconds instead of every second, so that traffic can move as soon as the
// app answers.
//
// An answer is only a head start: it counts for a moment, in which the kubelet
// comes to its own verdict. Where pods cannot be reached from here, the kubelet
// alone decides.
package probe

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// headStart is how long an answer counts: the kubelet looks once a second,
	// and on a busy node it reports seconds later.
	headStart = 15 * time.Second
	// giveUp ends the probing of a container that does not answer.
	giveUp = 30 * time.Second
	// firstPause between two probes of one pod doubles up to lastPause.
	firstPause = 10 * time.Millisecond
	lastPause  = 200 * time.Millisecond
	// attempt bounds one probe.
	attempt = time.Second
)

// Target is a container to ask.
type Target struct {
	// ID of the container: a container that is started again is another one.
	ID string
	// Address is host:port.
	Address string
	// Path answers 2xx or 3xx when the app is up; empty: the port accepts a
	// connection.
	Path string
}

// Prober asks containers. It is safe for concurrent use.
type Prober struct {
	check func(context.Context, Target) bool

	mu   sync.Mutex
	seen map[string]*answer // by container
}

// answer is what is known of one container.
type answer struct {
	begun time.Time
	at    time.Time // zero: not answered
}

// New returns a Prober that talks to real pods.
func New() *Prober { return newProber(check) }

func newProber(check func(context.Context, Target) bool) *Prober {
	return &Prober{check: check, seen: map[string]*answer{}}
}

// Answered says for how much longer an answer of the container counts; 0 when
// it does not. The first call begins to ask, until ctx ends, and calls notify
// once when the container answers.
func (p *Prober) Answered(ctx context.Context, t Target, notify func()) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if a := p.seen[t.ID]; a != nil {
		if a.at.IsZero() {
			return 0
		}
		return max(0, headStart-now.Sub(a.at))
	}
	p.sweep(now)
	a := &answer{begun: now}
	p.seen[t.ID] = a
	go p.ask(ctx, t, a, notify)
	return 0
}

// sweep forgets containers that were asked long ago. p.mu is held.
func (p *Prober) sweep(now time.Time) {
	for id, a := range p.seen {
		if now.Sub(a.begun) > 10*giveUp {
			delete(p.seen, id)
		}
	}
}

// ask probes until the container answers, or it is not worth it any more.
func (p *Prober) ask(ctx context.Context, t Target, a *answer, notify func()) {
	ctx, cancel := context.WithTimeout(ctx, giveUp)
	defer cancel()
	for pause := firstPause; !p.check(ctx, t); pause = min(2*pause, lastPause) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
	p.mu.Lock()
	a.at = time.Now()
	p.mu.Unlock()
	notify()
}

// client makes each probe on a connection of its own, like the kubelet.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, Proxy: nil},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// check makes one probe.
func check(ctx context.Context, t Target) bool {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	if t.Path == "" {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", t.Address)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.Address+t.Path, nil)
	if err != nil {
		return false
	}
	req.Header.Set("User-Agent", "headway-probe")
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close() // only the status counts
	return resp.StatusCode >= 200 && resp.StatusCode < 400
}
