package activator

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-dev/headway/scaler/activator/accesslog"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/keeper"
	"github.com/headway-dev/headway/scaler/activator/stats"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// activators are several of them on addresses of their own, in front of the
// same app with a limit.
type activators struct {
	t        *testing.T
	members  []keeper.Member
	managers []*keeper.Manager
	revs     []*backend.Revision
	clients  []*http.Client
}

func newActivators(t *testing.T, n, limit int, app http.Handler) *activators {
	a := &activators{t: t}
	addr := startApp(t, app)
	peerPort, adminPort := "", ""
	for i := range n {
		ip := fmt.Sprintf("127.0.0.%d", i+2)
		public, peers, admin := listenOn(t, ip, ""), listenOn(t, ip, peerPort), listenOn(t, ip, adminPort)
		_, peerPort, _ = net.SplitHostPort(peers.Addr().String())
		_, adminPort, _ = net.SplitHostPort(admin.Addr().String())

		rev := backend.NewRevision(backend.Settings{Namespace: "default", App: "shop", Name: "shop-1", Timeout: 10 * time.Second, Limit: limit}, backend.Hooks{})
		rev.Share()
		rev.Update([]backend.Endpoint{{UID: "1", Name: "pod", Addr: addr, Ready: true}})
		p := &process{identity: fmt.Sprint("activator-", i), starts: stats.NewStarts()}
		p.tables.Store(table.Compile([]table.Route{{Namespace: "default", Name: "shop", App: "shop", Hosts: []string{appHost},
			Traffic: []table.Share{{Revision: "shop-1", Weight: 100}}}}, map[table.Key]*backend.Revision{{Namespace: "default", Name: "shop-1"}: rev}))
		logger := slog.New(slog.DiscardHandler)
		p.access = accesslog.New(logger, false)
		p.server = NewServer(&p.tables, nil, p.access, logger)
		p.keepers = &keeper.Manager{Self: p.identity, Tables: &p.tables, Ask: keeper.AskHTTP(adminPort), PeerPort: peerPort, Logger: logger}
		adminServer := &http.Server{Handler: p.adminHandler()}
		var serving sync.WaitGroup
		serving.Go(func() { _ = p.server.Serve(public) })
		serving.Go(func() { _ = p.server.ServePeers(peers) })
		serving.Go(func() { _ = adminServer.Serve(admin) })
		t.Cleanup(func() {
			p.keepers.Close()
			p.server.Close()
			adminServer.Close()
			rev.Close()
			serving.Wait()
		})
		a.members = append(a.members, keeper.Member{Name: p.identity, IP: ip, Ready: true})
		a.managers = append(a.managers, p.keepers)
		a.revs = append(a.revs, rev)
		a.clients = append(a.clients, (&fixture{t: t, addr: public.Addr().String()}).client(i == 1))
	}
	return a
}

func listenOn(t *testing.T, ip, port string) net.Listener {
	if port == "" {
		port = "0"
	}
	l, err := net.Listen("tcp", net.JoinHostPort(ip, port))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// tell lets every activator know who is ready, each after a time of its own.
func (a *activators) tell(ready func(i int) bool, delay func() time.Duration) {
	members := append([]keeper.Member(nil), a.members...)
	for i := range members {
		members[i].Ready = ready(i)
	}
	var told sync.WaitGroup
	for _, m := range a.managers {
		d := delay()
		told.Go(func() {
			time.Sleep(d)
			m.SetMembers(members)
		})
	}
	told.Wait()
}

func everyone(int) bool     { return true }
func atOnce() time.Duration { return 0 }

// TestLimitHoldsWithSeveralActivators: requests come through three activators,
// which come and go, and know of it at different times. The app counts.
func TestLimitHoldsWithSeveralActivators(t *testing.T) {
	const limit, workers, each = 2, 12, 60
	var now, most, served atomic.Int32
	a := newActivators(t, 3, limit, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		_, _ = io.Copy(w, r.Body)
		time.Sleep(time.Duration(rand.IntN(4)) * time.Millisecond)
		now.Add(-1)
		served.Add(1)
	}))
	a.tell(everyone, atOnce)

	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				body := fmt.Sprint(w, " ", i)
				var reader io.Reader = strings.NewReader(body)
				if i%3 == 0 {
					reader = io.MultiReader(reader) // of unknown length: net/http's way
				}
				resp, err := a.clients[(w+i)%3].Post("http://"+appHost, "text/plain", reader)
				if err != nil {
					t.Error(err)
					return
				}
				got, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != 200 || string(got) != body {
					t.Errorf("%s: %q, want %q", resp.Status, got, body)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { wg.Wait(); close(ended) }()
	for round := 0; ; round++ {
		select {
		case <-ended:
			if got := most.Load(); got != limit {
				t.Errorf("at most %d at once, want %d", got, limit)
			}
			if got := served.Load(); got != workers*each {
				t.Errorf("the app served %d requests, want %d", got, workers*each)
			}
			return
		case <-time.After(20 * time.Millisecond):
			a.tell(func(i int) bool { return i != round%4 }, func() time.Duration { return time.Duration(rand.IntN(15)) * time.Millisecond })
		}
	}
}

// TestKeeperThatLeavesKeepsItsPlaces: its requests in flight count for the
// next keeper until they have ended.
func TestKeeperThatLeavesKeepsItsPlaces(t *testing.T) {
	entered, release := make(chan struct{}, 2), make(chan struct{})
	a := newActivators(t, 2, 1, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-release
	}))
	a.tell(everyone, atOnce)
	first := 0
	if keeper.Choose(a.members, "", table.Key{Namespace: "default", Name: "shop-1"}).Name == a.members[1].Name {
		first = 1
	}
	statuses := make(chan int, 2)
	ask := func(client *http.Client) {
		resp, err := client.Get("http://" + appHost)
		if err != nil {
			t.Error(err)
			statuses <- 0
			return
		}
		resp.Body.Close()
		statuses <- resp.StatusCode
	}
	go ask(a.clients[first])
	<-entered
	a.tell(func(i int) bool { return i != first }, atOnce)
	go ask(a.clients[1-first])
	eventually(t, "the second request waits", func() bool { return a.revs[1-first].Load().Queued == 1 })
	time.Sleep(100 * time.Millisecond)
	if len(entered) > 0 {
		t.Fatal("the new keeper used the place that the old one still has")
	}
	release <- struct{}{}
	<-entered
	release <- struct{}{}
	for range 2 {
		if status := <-statuses; status != 200 {
			t.Errorf("status %d", status)
		}
	}
}

func TestHeadersForPeersAreNotTakenFromClients(t *testing.T) {
	var seen http.Header
	f := newFixture(t, backend.Settings{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen = r.Header.Clone() }))
	for _, extra := range []string{"", "Connection: keep-alive, x\r\n"} {
		conn, r := f.raw()
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n%sHeadway-Revision: default/other\r\nHeadway-Hops: 9\r\n\r\n", appHost, extra)
		expect(t, r, 200, "")
		if seen.Get("Headway-Revision") != "" || seen.Get("Headway-Hops") != "" {
			t.Errorf("the app got %v", seen)
		}
	}
}

// TestClientThatLeavesWaitsForNoKeeper: what was sent on of a body does not
// hide from the keeper that the client has gone.
func TestClientThatLeavesWaitsForNoKeeper(t *testing.T) {
	entered, release := make(chan struct{}, 10), make(chan struct{})
	a := newActivators(t, 2, 1, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { entered <- struct{}{}; <-release }))
	defer close(release)
	a.tell(everyone, atOnce)
	chosen := keeper.Choose(a.members, "", table.Key{Namespace: "default", Name: "shop-1"}).Name
	keeps := slices.IndexFunc(a.members, func(m keeper.Member) bool { return m.Name == chosen })
	go func() {
		if resp, err := a.clients[keeps].Get("http://" + appHost); err == nil {
			resp.Body.Close()
		}
	}()
	<-entered
	ctx, leave := context.WithCancel(t.Context())
	req, _ := http.NewRequestWithContext(ctx, "POST", "http://"+appHost, io.LimitReader(zeros{}, 1<<20))
	left := make(chan struct{})
	go func() {
		defer close(left)
		if resp, err := a.clients[1-keeps].Do(req); err == nil {
			t.Errorf("answered %s", resp.Status)
			resp.Body.Close()
		}
	}()
	eventually(t, "it waits at the keeper", func() bool { return a.revs[keeps].Load().Queued == 1 })
	leave()
	<-left
	eventually(t, "its place is free", func() bool { return a.revs[keeps].Load().Queued == 0 })
}
