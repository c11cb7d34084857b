package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-dev/headway/scaler/park"
)

// dormitory is a place with parked pods, as seen through the network: it
// answers wake calls and probes.
type dormitory struct {
	latency time.Duration           // of a wake call
	start   time.Duration           // from waking to listening
	answers map[string]func() error // by address of the pod: what a wake call gets; nil wakes
	mu      sync.Mutex              // guards the rest
	calls   []string                // addresses
	up      map[string]time.Time    // by host:port
	probed  map[string]bool         // by host:port
}

func newDormitory() *dormitory {
	return &dormitory{
		latency: time.Millisecond, start: 9 * time.Millisecond, answers: map[string]func() error{},
		up: map[string]time.Time{}, probed: map[string]bool{},
	}
}

func (d *dormitory) Wake(ctx context.Context, ip, uid string) error {
	d.mu.Lock()
	d.calls = append(d.calls, ip)
	d.mu.Unlock()
	select {
	case <-time.After(d.latency):
	case <-ctx.Done():
		return ctx.Err()
	}
	if want := "uid of " + ip; uid != want {
		return fmt.Errorf("%w: UID %q, want %q", park.ErrDenied, uid, want)
	}
	if answer := d.answers[ip]; answer != nil {
		if err := answer(); err != nil {
			return err
		}
	}
	d.wake(ip)
	return nil
}

// wake is what anybody does who may.
func (d *dormitory) wake(ip string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.up[ip+":80"] = time.Now().Add(d.start)
}

func (d *dormitory) probe(_ context.Context, addr string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.probed[addr] = true
	if up, ok := d.up[addr]; !ok || time.Now().Before(up) {
		return errors.New("connection refused")
	}
	return nil
}

// crash ends the application.
func (d *dormitory) crash(ip string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.up, ip+":80")
}

func (d *dormitory) wasProbed(ip string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.probed[ip+":80"]
}

func (d *dormitory) wantCalls(t *testing.T, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.calls, want) {
		t.Errorf("wake calls to %q, want %q", d.calls, want)
	}
}

// parkedPod is one that was made so many seconds after others.
func parkedPod(ip string, second int64) Endpoint {
	return Endpoint{
		UID: "uid of " + ip, Name: "pod-" + ip, Addr: ip + ":80",
		Standby: &Standby{Parked: true, Runs: true, Container: "first", Created: time.Unix(second, 0)},
	}
}

func (d *dormitory) pool(t *testing.T, limit int, pods ...Endpoint) *Pool {
	t.Helper()
	p := newPool(t, limit, d.probe)
	p.hooks.Waker = d
	p.Update(pods)
	return p
}

// result of a request, and the time it took.
type result struct {
	pod  string
	err  error
	took time.Duration
}

// request acquires a pod and keeps it.
func request(t *testing.T, p *Pool) <-chan result {
	began, out := time.Now(), make(chan result, 1)
	go func() {
		l, err := p.Acquire(t.Context())
		r := result{err: err, took: time.Since(began)}
		if err == nil {
			r.pod = l.Pod.Name
		}
		out <- r
	}()
	synctest.Wait()
	return out
}
