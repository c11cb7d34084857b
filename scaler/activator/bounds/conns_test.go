package bounds

import (
	"testing"
	"testing/synctest"
	"time"
)

// hall is a Budget whose connections are counted when they are ended.
type hall struct {
	*Budget
	ended int
}

func (h *hall) enter(t *testing.T, app App) *Seat {
	t.Helper()
	s := h.Conns.Enter(func() { h.ended++ })
	if s == nil || !s.Busy() || !s.For(app) {
		return nil
	}
	return s
}

// TestIdleConnectionsEndFirst: those of the app itself, the oldest first.
func TestIdleConnectionsEndFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hall{Budget: Of(0, 300)}
		var seats []*Seat
		for {
			s := h.enter(t, greedy)
			if s == nil {
				break
			}
			seats = append(seats, s)
			time.Sleep(time.Second)
		}
		if len(seats) < 190 || len(seats) > 200 || h.ended != 0 {
			t.Fatalf("%d connections of one app, %d ended; want about 2/3 of 300", len(seats), h.ended)
		}
		other := h.enter(t, modest)
		if other == nil {
			t.Fatal("another app gets no connection")
		}
		other.Idle(time.Now())
		for _, s := range seats[:16] {
			time.Sleep(time.Second)
			s.Idle(time.Now())
		}
		if h.enter(t, greedy) == nil {
			t.Error("idle connections did not make room")
		}
		if h.ended == 0 || seats[0].Busy() || !seats[15].Busy() || !other.Busy() {
			t.Errorf("ended %d; the oldest, the newest and the other app's can go on: %v, %v, %v",
				h.ended, seats[0].Busy(), seats[15].Busy(), other.Busy())
		}
		for _, s := range append(seats, other) {
			s.Leave()
			s.Leave()
		}
	})
}

// TestConnectionsWithoutARequestEnd when others come: whoever has sent nothing
// is idle from the beginning.
func TestConnectionsWithoutARequestEnd(t *testing.T) {
	h := &hall{Budget: Of(0, 100)}
	for range 1000 {
		if h.Conns.Enter(func() { h.ended++ }) == nil {
			t.Fatal("a connection finds no place, although all others are idle")
		}
	}
	if _, used, _ := h.Conns.pool.State(); used > 100 || h.ended < 900 {
		t.Errorf("%d of 100 are used, %d were ended", used, h.ended)
	}
}

func TestWhatASeatHoldsIsGivenBack(t *testing.T) {
	h := &hall{Budget: Of(1000, 100)}
	s := h.enter(t, greedy)
	if !s.Weigh(HTTP2) || !s.Memory.More(300) {
		t.Fatal("no room")
	}
	s.Memory.Need(2000)
	if s.Memory.More(1) {
		t.Error("there was room for more")
	}
	if !s.For(modest) {
		t.Fatal("no room for the other app")
	}
	s.Memory.Less(100)
	for name, pool := range map[string]*Pool{"bytes": h.Bytes, "connections": h.Conns.pool} {
		if len(pool.apps) != 1 || pool.apps[modest] == nil {
			t.Errorf("%s are not those of the app: %v", name, pool.apps)
		}
	}
	s.Leave()
	if s.Memory.More(1) {
		t.Error("one that has left takes memory")
	}
	for name, pool := range map[string]*Pool{"bytes": h.Bytes, "connections": h.Conns.pool} {
		if _, used, _ := pool.State(); used != 0 {
			t.Errorf("%d %s are still used", used, name)
		}
	}
}

func TestBudgetFollowsTheLimit(t *testing.T) {
	b := New() // GOMEMLIMIT is not set
	if total, _, _ := b.Bytes.State(); total != 900<<20/100*20 {
		t.Errorf("%d bytes", total)
	}
	if total, _, _ := b.Conns.pool.State(); total > 900<<20/100*45/Unit || total < 100 {
		t.Errorf("%d units of connections", total)
	}
}
