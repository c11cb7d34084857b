package activator

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// TestBudgetHoldsOnEveryRoute has many clients on all routes at once, and a
// candidate that fails each request after it has let others in. The users see
// no more bad answers than the budget, and no request fails besides.
func TestBudgetHoldsOnEveryRoute(t *testing.T) {
	const budget, workers, each = 12, 24, 60
	var in, most atomic.Int32
	failing := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := in.Add(1); n > most.Load() {
			most.Store(n) // a lower bound is enough
		}
		defer in.Add(-1)
		time.Sleep(time.Millisecond)
		if r.Method == "PUT" {
			panic(http.ErrAbortHandler) // closes the connection: 502
		}
		w.WriteHeader(http.StatusInternalServerError)
	})
	c := newCanary(t, text("stable"), failing, func(r *table.Route) { r.Sticky, r.Traffic[1].Budget = nil, budget })
	var bad, good atomic.Int32
	var working sync.WaitGroup
	clients := []*http.Client{c.client(false), c.handedOver(), c.client(true)}
	for worker := range workers {
		client := clients[worker%len(clients)]
		working.Go(func() {
			for i := range each {
				req, _ := http.NewRequest([]string{"GET", "POST", "PUT"}[i%3], "http://"+appHost, strings.NewReader("x"))
				resp, err := client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode >= 500 {
					bad.Add(1)
				} else {
					good.Add(1)
				}
			}
		})
	}
	working.Wait()
	if bad.Load() != budget || good.Load() != workers*each-budget || most.Load() > budget {
		t.Errorf("%d bad answers, %d good ones, %d at once; want exactly %d bad ones", bad.Load(), good.Load(), most.Load(), budget)
	}
}

// TestOpenStreamsSpendNoBudget: once a response has begun well, or the protocol
// has changed, its request holds no place.
func TestOpenStreamsSpendNoBudget(t *testing.T) {
	release := make(chan struct{})
	streams := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			conn, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
			_ = rw.Flush()
		} else {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
		}
		<-release
	})
	c := newCanary(t, text("stable"), streams, func(r *table.Route) { r.Traffic[1].Budget = 1 })
	defer close(release)
	user := c.user(c.next, 0)
	onEveryRoute(t, c.fixture, func(t *testing.T, client *http.Client) {
		for range 3 {
			req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://"+appHost, nil)
			req.Header.Set("X-User", user)
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if _, stable := resp.Header["Content-Length"]; stable {
				t.Fatal("the budget of one is spent by a stream")
			}
		}
	})
	for range 2 {
		conn, r := c.raw()
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\n"+toShop+"X-User: "+user+"\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(resp.Status)
		}
	}
}

// TestRerouteGivesTheBudgetBack: a request that waits for the candidate and finds
// the same again keeps one place of the budget, not two; when it has gone
// elsewhere, none.
func TestRerouteGivesTheBudgetBack(t *testing.T) {
	c := newCanary(t, text("stable"), nil, func(r *table.Route) { r.Traffic[1].Budget = 2 })
	all := map[table.Key]*backend.Revision{{Namespace: "default", Name: c.rev.Name}: c.rev, {Namespace: "default", Name: c.next.Name}: c.next}
	first, second := c.user(c.next, 0), c.user(c.next, 1)
	answered := make(chan string, 1)
	go func() {
		_, got := ask(t, c.client(false), "GET", nil, "X-User", first)
		answered <- got
	}()
	waits := func() bool { return c.next.Load().Queued == 1 }
	eventually(t, "it waits", waits)
	for range 3 {
		c.next.Reroute()
		eventually(t, "it waits again", waits)
	}
	if c.of(second) != "next" {
		t.Error("one request holds two places")
	}
	away := c.route
	away.Traffic = []table.Share{{Revision: c.rev.Name, Weight: 9999}, {Revision: c.next.Name, Weight: 1, Salt: c.next.Name, Budget: 2}}
	c.tables.Store(c.compiler.Compile([]table.Route{away}, all))
	c.next.Reroute()
	if got := <-answered; got != "stable" {
		t.Errorf("answered by %q", got)
	}
	c.tables.Store(c.compiler.Compile([]table.Route{c.route}, all))
	for _, user := range []string{first, second} {
		if m := c.tables.Load().Resolve(asked{user: user}); m.Revision != c.next {
			t.Error("a place is lost")
		}
	}
}
