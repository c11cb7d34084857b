package probe

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		begin := time.Now()
		p := newProber(func(context.Context, Target) bool { return time.Since(begin) > 300*time.Millisecond })
		var told atomic.Int32
		target := Target{ID: "c1"}
		ask := func() time.Duration { return p.Answered(ctx, target, func() { told.Add(1) }) }

		for range 2 {
			if ask() != 0 {
				t.Error("an answer counts before there is one")
			}
		}
		time.Sleep(600 * time.Millisecond)
		synctest.Wait()
		if told.Load() != 1 {
			t.Errorf("notified %d times, want once", told.Load())
		}
		if left := ask(); left <= headStart-600*time.Millisecond || left > headStart {
			t.Errorf("the answer counts for %v", left)
		}
		time.Sleep(headStart)
		if ask() != 0 {
			t.Error("the answer still counts after the head start")
		}
		if told.Load() != 1 {
			t.Error("a container that had answered is asked again")
		}
		target.ID = "c2"
		if ask() != 0 {
			t.Error("the answer of a container counts for the next one")
		}
		synctest.Wait()
		if ask() == 0 {
			t.Error("the container that was started again is not asked")
		}
	})
}

func TestGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var probes atomic.Int32
		p := newProber(func(context.Context, Target) bool { probes.Add(1); return false })
		p.Answered(t.Context(), Target{ID: "c"}, func() { t.Error("notified without an answer") })
		time.Sleep(giveUp + time.Second)
		synctest.Wait()
		n := probes.Load()
		time.Sleep(time.Minute)
		if probes.Load() != n || n < 100 || n > 200 {
			t.Errorf("%d probes in %v, %d later", n, giveUp, probes.Load()-n)
		}
		time.Sleep(10 * giveUp)
		p.Answered(t.Context(), Target{ID: "other"}, func() {})
		if len(p.seen) != 1 {
			t.Errorf("remembers %d containers, want 1", len(p.seen))
		}
	})
}

func TestCheck(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
		case "/moved":
			http.Redirect(w, r, "/broken", http.StatusFound)
		default:
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	defer server.Close()
	open := strings.TrimPrefix(server.URL, "http://")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		target Target
		want   bool
	}{
		{Target{Address: open}, true},
		{Target{Address: closed}, false},
		{Target{Address: open, Path: "/ok"}, true},
		{Target{Address: open, Path: "/moved"}, true},
		{Target{Address: open, Path: "/broken"}, false},
		{Target{Address: closed, Path: "/ok"}, false},
	} {
		if got := check(t.Context(), tc.target); got != tc.want {
			t.Errorf("%+v: %v, want %v", tc.target, got, tc.want)
		}
	}
}
