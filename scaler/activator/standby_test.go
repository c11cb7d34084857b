package activator

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/stats"
	"github.com/headway-dev/headway/scaler/activator/table"
	"github.com/headway-dev/headway/scaler/park"
)

// sleeper is an application that begins to listen on addr when it is woken.
type sleeper struct {
	t     *testing.T
	addr  string
	app   http.Handler
	calls atomic.Int32
}

func (s *sleeper) Wake(_ context.Context, ip, uid string) error {
	if s.calls.Add(1) > 1 {
		return park.ErrRefused
	}
	if ip != "127.0.0.1" || uid != "parked" {
		s.t.Errorf("woke %s with UID %s", ip, uid)
	}
	time.AfterFunc(10*time.Millisecond, func() {
		l, err := net.Listen("tcp", s.addr)
		if err != nil {
			s.t.Error(err)
			return
		}
		srv := httptest.NewUnstartedServer(s.app)
		srv.Listener.Close()
		srv.Listener = l
		srv.Config.Protocols = new(http.Protocols)
		srv.Config.Protocols.SetHTTP1(true)
		srv.Config.Protocols.SetUnencryptedHTTP2(true)
		srv.Start()
		s.t.Cleanup(srv.Close)
	})
	return nil
}

// withHooks puts another revision in the place of the fixture's.
func (f *fixture) withHooks(hooks backend.Hooks) {
	f.rev = backend.NewRevision(f.rev.Settings, hooks)
	f.t.Cleanup(f.rev.Close)
	f.route(table.Share{Revision: f.rev.Name, Weight: 100})
}

// TestRequestsWakeAParkedPod through both routes, with nobody else around.
func TestRequestsWakeAParkedPod(t *testing.T) {
	f := newFixture(t, backend.Settings{Limit: 50})
	s := &sleeper{t: t, addr: closedPort(t), app: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })}
	p := adminOf(f)
	hooks := p.poolHooks(nil)
	hooks.Waker, hooks.Woke = s, p.woke
	f.withHooks(hooks)
	p.tables.Store(f.tables.Load())
	f.rev.Update([]backend.Endpoint{{UID: "parked", Name: "shop-standby", Addr: s.addr, Standby: &backend.Standby{Parked: true, Runs: true}}})

	var wg sync.WaitGroup
	for i := range 100 {
		client := f.client(i%2 == 0)
		wg.Go(func() {
			resp, err := client.Post("http://"+appHost, "text/plain", strings.NewReader(fmt.Sprint(i)))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || string(body) != fmt.Sprint(i) {
				t.Errorf("%s %q", resp.Status, body)
			}
		})
	}
	wg.Wait()
	if got := s.calls.Load(); got != 1 {
		t.Errorf("%d wake calls, want 1", got)
	}
	for _, want := range []string{
		`headway_activator_wakes_total{result="woken"} 1`,
		`headway_activator_cold_start_seconds_count{from="parked",phase="pod"} 1`,
		`headway_activator_cold_start_seconds_count{from="parked",phase="app"} 1`,
		`headway_activator_cold_start_seconds_count{from="parked",phase="total"} 1`,
	} {
		eventually(t, "/metrics has "+want, func() bool {
			w := httptest.NewRecorder()
			p.adminHandler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
			return strings.Contains(w.Body.String(), want+"\n")
		})
	}
}

func TestWakeCallsAreCounted(t *testing.T) {
	p := &process{starts: stats.NewStarts(), server: NewServer(nil, nil, nil, slog.New(slog.DiscardHandler))}
	p.Logger = slog.New(slog.DiscardHandler)
	p.tables.Store(table.Compile(nil, nil))
	for _, err := range []error{nil, fmt.Errorf("waking: %w", park.ErrRefused), fmt.Errorf("waking: %w", park.ErrDenied), context.DeadlineExceeded} {
		p.woke(&backend.Pod{Name: "pod"}, err)
	}
	w := httptest.NewRecorder()
	p.adminHandler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, result := range []string{"woken", "refused", "denied", "unreachable"} {
		if want := `headway_activator_wakes_total{result="` + result + `"} 1`; !strings.Contains(w.Body.String(), want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
}

// TestRevisionThatCannotStartIsToldAtOnce through both routes.
func TestRevisionThatCannotStartIsToldAtOnce(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		f := newFixture(t, backend.Settings{Timeout: time.Minute})
		client := f.client(h2)
		answered := make(chan string)
		ask := func() {
			resp, err := client.Get("http://" + appHost)
			if err != nil {
				answered <- err.Error()
				return
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			answered <- fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Retry-After"), " ", string(body))
		}
		const want = `503 1 Revision "shop-1a2b3c4d" of app "shop" cannot start: ReferenceMissing.

"headway status shop" shows why.
`
		go ask()
		eventually(t, "a request waits", func() bool { return f.rev.Load().Queued == 1 })
		f.rev.Fail("ReferenceMissing", 0)
		if got := <-answered; got != want {
			t.Errorf("HTTP/2 %v, a request that waited: %q, want %q", h2, got, want)
		}
		go ask()
		if got := <-answered; got != want {
			t.Errorf("HTTP/2 %v, a new request: %q, want %q", h2, got, want)
		}
		f.rev.Update([]backend.Endpoint{{UID: "1", Name: "pod", Addr: startApp(t, text("healed")), Ready: true}})
		go ask()
		if got := <-answered; got != "200  healed" {
			t.Errorf("HTTP/2 %v, with a pod: %q", h2, got)
		}
	}
}

func TestParkKeyMustBeThereIfItIsNamed(t *testing.T) {
	keys, err := park.NewKeyPair()
	if err != nil {
		t.Fatal(err)
	}
	good := t.TempDir()
	if err := os.WriteFile(filepath.Join(good, v1alpha1.ParkPrivateKey), []byte(keys.Private), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, dir    string
		wakes, fails bool
	}{
		{name: "none"},
		{name: "good", dir: good, wakes: true},
		{name: "missing", dir: t.TempDir(), fails: true},
	} {
		p, err := newProcess(Options{
			ParkKey: tc.dir, PeerListen: ":0", AdminListen: ":0", Logger: slog.New(slog.DiscardHandler),
		})
		if (err != nil) != tc.fails {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if err == nil && (p.poolHooks(nil).Waker != nil) != tc.wakes {
			t.Errorf("%s: wakes %v, want %v", tc.name, !tc.wakes, tc.wakes)
		}
	}
}
