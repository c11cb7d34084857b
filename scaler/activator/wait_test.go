package activator

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-dev/headway/scaler/activator/backend"
)

func TestRequestsWaitForAStartingPod(t *testing.T) {
	for name, settings := range map[string]backend.Settings{
		"port":   {},
		"health": {HealthPath: "/healthz"},
		"limit":  {Limit: 5},
	} {
		t.Run(name, func(t *testing.T) {
			var up atomic.Bool
			app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/healthz" && !up.Load():
					w.WriteHeader(http.StatusServiceUnavailable)
				case r.URL.Path != "/healthz" && !up.Load() && settings.HealthPath != "":
					t.Error("a request came before the app was healthy")
				default:
					_, _ = io.Copy(w, r.Body)
				}
			})
			f := newFixture(t, settings)
			var wg sync.WaitGroup
			for i := range 100 {
				client := f.client(i%2 == 0)
				wg.Go(func() {
					resp, err := client.Post("http://"+appHost, "text/plain", strings.NewReader(fmt.Sprint(i)))
					if err != nil {
						t.Error(err)
						return
					}
					body, _ := io.ReadAll(resp.Body)
					resp.Body.Close()
					if resp.StatusCode != 200 || string(body) != fmt.Sprint(i) {
						t.Errorf("%s %q", resp.Status, body)
					}
				})
			}
			eventually(t, "100 requests wait", func() bool { return f.rev.Load().Queued == 100 })
			f.rev.Update([]backend.Endpoint{{UID: "1", Name: "pod", Addr: startApp(t, app)}}) // an address, not Ready
			time.Sleep(30 * time.Millisecond)
			up.Store(true)
			wg.Wait()
		})
	}
}

func TestLimitIsNeverExceeded(t *testing.T) {
	const limit = 4
	var now, most atomic.Int32
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(2 * time.Millisecond)
	})
	f := newFixture(t, backend.Settings{Limit: limit}, app)
	var wg sync.WaitGroup
	for i := range 40 {
		client := f.client(i%2 == 0)
		wg.Go(func() {
			for range 5 {
				resp, err := client.Get("http://" + appHost)
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
				if resp.StatusCode != 200 {
					t.Errorf("got %s", resp.Status)
				}
			}
		})
	}
	wg.Wait()
	if most.Load() != limit {
		t.Errorf("at most %d at once, want %d", most.Load(), limit)
	}
}

// closedPort is the address of a port that refuses connections.
func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestRequestGoesToAnotherPodIfOneRefuses(t *testing.T) {
	f := newFixture(t, backend.Settings{})
	good := startApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	f.rev.Update([]backend.Endpoint{
		{UID: "1", Name: "dead", Addr: closedPort(t), Ready: true},
		{UID: "2", Name: "good", Addr: good, Ready: true},
	})
	client := f.client(false)
	for range 10 {
		resp, err := client.Post("http://"+appHost, "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || string(body) != "body" {
			t.Fatalf("%s %q", resp.Status, body)
		}
	}
	if got := f.rev.Load().Open; got != 1 {
		t.Errorf("%d pods open, want only the good one", got)
	}
}

func TestRequestThatReachedTheAppIsNotRepeated(t *testing.T) {
	var got atomic.Int32
	broken := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got.Add(1); panic(http.ErrAbortHandler) })
	f := newFixture(t, backend.Settings{}, broken, broken)
	for _, method := range []string{"POST", "GET"} {
		got.Store(0)
		req, _ := http.NewRequestWithContext(t.Context(), method, "http://"+appHost, strings.NewReader("body"))
		resp, err := f.client(false).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadGateway || got.Load() != 1 {
			t.Errorf("%s: %s after %d times at the app; want 502 after 1", method, resp.Status, got.Load())
		}
	}
}

func TestDrain(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	f := newFixture(t, backend.Settings{Timeout: 500 * time.Millisecond}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done() // never ends by itself
			return
		}
		entered <- struct{}{}
		<-release
		_, _ = io.WriteString(w, "finished")
	}))
	stream, err := f.client(false).Get("http://" + appHost + "/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		resp, err := f.client(false).Get("http://" + appHost)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "finished" || !resp.Close {
			t.Errorf("request in flight: %q, %v, close %v", body, err, resp.Close)
		}
	}()
	<-entered
	drained := make(chan error, 1)
	began := time.Now()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		drained <- f.server.Drain(ctx)
	}()
	eventually(t, "listener closed", func() bool {
		conn, err := net.Dial("tcp", f.addr)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	close(release)
	<-answered
	if err := <-drained; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < 400*time.Millisecond || took > 3*time.Second {
		t.Errorf("drained after %s, want the stream's grace of 500ms", took)
	}
}
