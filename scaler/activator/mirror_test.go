package activator

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// mirrors sends all to stable, and copies of all to next.
func mirrors(r *table.Route) {
	r.Traffic = r.Traffic[:1]
	r.Mirror = &v1alpha1.RouteMirror{Revision: "shop-5e6f7081", Weight: v1alpha1.Whole}
}

// copied is a result in headway_activator_mirrored_total.
func (f *fixture) copied(result string) int {
	f.t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(f.server.mirror)
	families, err := registry.Gather()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if m.GetLabel()[0].GetValue() == result {
				return int(m.GetCounter().GetValue())
			}
		}
	}
	return 0
}

// noted keeps what an app sees of requests.
type noted struct {
	mu   sync.Mutex
	seen []*http.Request
}

func (n *noted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	n.seen = append(n.seen, r.Clone(r.Context()))
	n.mu.Unlock()
	_, _ = io.WriteString(w, "noted")
}

func (n *noted) take() []*http.Request {
	n.mu.Lock()
	defer n.mu.Unlock()
	seen := n.seen
	n.seen = nil
	return seen
}

// TestCopiesAreWhatThePodGets compares a request with its copy on every route.
func TestCopiesAreWhatThePodGets(t *testing.T) {
	var original, copies noted
	c := newCanary(t, &original, &copies, mirrors)
	onEveryRoute(t, c.fixture, func(t *testing.T, client *http.Client) {
		fields := []string{"X-A", "1", "X-A", "2", "Cookie", "a=b", "Authorization", "Bearer x", "Headway-Mirror", "1", "User-Agent", "test", "Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
		if client.Transport.(*http.Transport).Protocols.HTTP1() {
			fields = append(fields, "Te", "trailers", "Keep-Alive", "timeout=5")
		}
		if strings.HasSuffix(t.Name(), "/net/http") { // what Connection names is not plain
			fields = append(fields, "Connection", "X-Hop", "X-Hop", "x")
		}
		before := c.copied("answered")
		for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
			ask(t, client, method, nil, fields...)
		}
		eventually(t, "three copies", func() bool { return c.copied("answered") == before+3 })
		got := map[string]*http.Request{}
		for _, r := range copies.take() {
			got[r.Method] = r
		}
		for _, want := range original.take() {
			r := got[want.Method]
			if r == nil {
				t.Fatalf("no copy of %s", want.Method)
			}
			if want.Header.Get("Headway-Mirror") != "" {
				t.Error("a client passes for a mirror")
			}
			want.Header.Set("Headway-Mirror", "1")
			want.Header.Del("Te")
			r.Header.Del("Te")
			if diff := cmp.Diff(want.Header, r.Header); diff != "" || r.RequestURI != want.RequestURI || r.Host != want.Host {
				t.Errorf("%s %s for %s (-original +copy):\n%s", r.Method, r.RequestURI, r.Host, diff)
			}
		}
	})
}

// TestWhatIsNotCopied sends what changes something or has a body.
func TestWhatIsNotCopied(t *testing.T) {
	var copies noted
	c := newCanary(t, text("stable"), &copies, mirrors)
	onEveryRoute(t, c.fixture, func(t *testing.T, client *http.Client) {
		before := c.copied("answered")
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			ask(t, client, method, nil)
		}
		ask(t, client, "GET", strings.NewReader("a body"))
		ask(t, client, "GET", io.MultiReader(strings.NewReader("of unknown length")))
		ask(t, client, "GET", nil) // the last one is
		eventually(t, "a copy", func() bool { return c.copied("answered") == before+1 })
		if seen := copies.take(); len(seen) != 1 || seen[0].ContentLength != 0 {
			t.Errorf("%d copies", len(seen))
		}
	})
}

// TestCopiesTouchNoRequest has a mirror that hangs, fails, floods or is not
// there: users see nothing of it.
func TestCopiesTouchNoRequest(t *testing.T) {
	hangs := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	floods := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for chunk := strings.Repeat("x", 1<<16); ; {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
	})
	for _, tc := range []struct {
		name string
		app  http.Handler
		want map[string]int // results
	}{
		{"hangs", hangs, map[string]int{"full": 36}},
		{"cuts", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), map[string]int{"failed": 100}},
		{"floods", floods, map[string]int{"answered": 100}},
		{"is not there", nil, map[string]int{"no-pod": 100}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCanary(t, text("stable"), tc.app, mirrors)
			client := c.client(false)
			for range 100 {
				if resp, body := ask(t, client, "GET", nil); resp.StatusCode != 200 || body != "stable" {
					t.Fatalf("%d %q", resp.StatusCode, body)
				}
				if tc.name == "floods" {
					eventually(t, "there is a place", func() bool { return c.next.Load().InFlight < 10 })
				}
			}
			for result, want := range tc.want {
				eventually(t, result, func() bool { return c.copied(result) == want })
			}
			if n := c.next.Load().Queued; n > 0 {
				t.Errorf("%d copies wait for a pod", n)
			}
			c.server.mirror.Close() // ends those that hang
			if n := c.next.Load().InFlight; n > 0 {
				t.Errorf("%d copies are left over", n)
			}
		})
	}
}

// TestMirroredPart copies a tenth of what the weights send elsewhere, and
// nothing that the mirror gets anyhow.
func TestMirroredPart(t *testing.T) {
	const requests = 4000
	var copies noted
	c := newCanary(t, text("stable"), &copies, func(r *table.Route) {
		r.Sticky = nil
		r.Mirror = &v1alpha1.RouteMirror{Revision: "shop-5e6f7081", Weight: 2000}
	})
	client := c.client(false)
	for range requests {
		ask(t, client, "GET", nil)
	}
	eventually(t, "all are answered", func() bool { return c.next.Load().InFlight == 0 })
	got := c.copied("answered")
	// A fifth of a half, and five standard deviations.
	if want := requests / 10; got < want-95 || got > want+95 {
		t.Errorf("%d copies of %d requests, want %d", got, requests, want)
	}
	marked := 0
	for _, r := range copies.take() {
		if r.Header.Get("Headway-Mirror") == "1" {
			marked++
		}
	}
	if marked != got {
		t.Errorf("%d of %d copies are marked", marked, got)
	}
}

// TestKeeperLetsNoCopyWait: what another activator sends as a copy gets a free
// pod or none.
func TestKeeperLetsNoCopyWait(t *testing.T) {
	f := newFixture(t, backend.Settings{Timeout: 10 * time.Second})
	peers := listenOn(t, "127.0.0.1", "")
	served := make(chan error, 1)
	go func() { served <- f.server.ServePeers(peers) }()
	t.Cleanup(func() {
		f.server.Close()
		<-served
	})
	f.addr = peers.Addr().String()
	began := time.Now()
	resp, _ := ask(t, f.client(false), "GET", nil, "Headway-Revision", "default/"+f.rev.Name, "Headway-Hops", "1", "Headway-Mirror", "1")
	if resp.StatusCode != http.StatusServiceUnavailable || time.Since(began) > 5*time.Second {
		t.Errorf("%d after %s", resp.StatusCode, time.Since(began))
	}
}
