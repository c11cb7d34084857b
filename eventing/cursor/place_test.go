package cursor

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/natstest"
)

var mail = types.NamespacedName{Namespace: "shop", Name: "mail"}

// clock is a time that a test sets.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func openStore(t *testing.T, path string, now func() time.Time) *Store {
	t.Helper()
	s, err := openAs(t, natstest.Kind(), path, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeStore(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// again closes a store and opens its file.
func again(t *testing.T, s *Store, path string) *Store {
	t.Helper()
	closeStore(t, s)
	return openStore(t, path, s.now)
}

// model is a place as plain sets.
type model struct {
	counts  Counts
	done    map[uint64]bool
	retries map[uint64]Entry
}

func (m *model) raise() {
	for m.done[m.counts.Floor+1] {
		m.counts.Floor++
	}
	m.counts.Retrying = len(m.retries)
	m.counts.Above = 0
	for seq := range m.done {
		if seq > m.counts.Floor {
			m.counts.Above++
		}
	}
}

// Random changes leave a place like plain sets, also after it was closed and
// opened.
func TestPlaceIsLikeSets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursors")
	s := openStore(t, path, time.Now)
	p, begun := s.Place(mail, "orders")
	if begun {
		t.Fatal("a new place has begun")
	}
	p.Begin("orders", 10)
	m := &model{counts: Counts{Floor: 10}, done: map[uint64]bool{}, retries: map[uint64]Entry{}}
	rng := rand.New(rand.NewPCG(1, 2))
	for step := range 6000 {
		seq := m.counts.Floor + 1 + rng.Uint64N(40)
		switch rng.IntN(10) {
		case 0:
			e := Entry{Attempts: uint32(step), Status: 500, Due: int64(seq)}
			p.Retry(seq, e)
			if !m.done[seq] {
				m.retries[seq] = e
			}
		case 1: // a run that was not seen before
			to := seq
			for !m.done[to] && to < seq+5 {
				m.done[to] = true
				delete(m.retries, to)
				to++
			}
			p.Pass(seq, to-1, Filtered, to-seq)
			m.counts.Filtered += to - seq
		case 2:
			if step%50 == 0 {
				last := m.counts.Floor + rng.Uint64N(20)
				p.PullBack(last)
				for seq := range m.done {
					if seq > last {
						delete(m.done, seq)
					}
				}
				for seq := range m.retries {
					if seq > last {
						delete(m.retries, seq)
					}
				}
			}
		case 3:
			if step%9 != 0 {
				break
			}
			lost := uint64(0)
			for n := m.counts.Floor + 1; n <= seq; n++ {
				if !m.done[n] {
					lost++
				}
				m.done[n] = true
				delete(m.retries, n)
			}
			m.counts.Dead += lost
			if got := p.Expire(seq); got != lost {
				t.Fatalf("%d lost, want %d", got, lost)
			}
		default:
			p.End(seq, Delivered)
			p.End(seq, Dead)
			if !m.done[seq] {
				m.counts.Delivered++
			}
			m.done[seq] = true
			delete(m.retries, seq)
		}
		m.raise()
		if step%1000 == 999 {
			s = again(t, s, path)
			if p, begun = s.Place(mail, "orders"); !begun {
				t.Fatal("the place is gone")
			}
		}
		compare(t, step, p, m)
	}
	if s.open.Load() != int64(p.open()) {
		t.Errorf("%d open in all, %d in the only place", s.open.Load(), p.open())
	}
	closeStore(t, s)
}

func compare(t *testing.T, step int, p *Place, m *model) {
	t.Helper()
	if d := diff.Diff(m.counts, p.Counts()); d != "" {
		t.Fatalf("step %d (-want +got):\n%s", step, d)
	}
	if d := diff.Diff(m.retries, p.Entries()); d != "" {
		t.Fatalf("step %d (-want +got):\n%s", step, d)
	}
	for seq := m.counts.Floor + 1; seq < m.counts.Floor+50; seq++ {
		next := seq
		for m.done[next] {
			next++
		}
		if got := p.NextOpen(seq); got != next {
			t.Fatalf("step %d: next open from %d is %d, want %d", step, seq, got, next)
		}
	}
}

func TestRemovedPlaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursors")
	c := &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	s := openStore(t, path, c.now)
	p, _ := s.Place(mail, "orders")
	p.Begin("orders", 5)
	p.Retry(7, Entry{Attempts: 1})
	s.Remove(mail)
	p.End(6, Delivered) // was in flight

	c.t = c.t.Add(v1alpha1.CursorKept - time.Second)
	s = again(t, s, path)
	if names := s.Names(); len(names) > 0 {
		t.Errorf("removed, and still there: %v", names)
	}
	p, begun := s.Place(mail, "orders")
	if d := diff.Diff(Counts{Floor: 6, Delivered: 1, Retrying: 1}, p.Counts()); !begun || d != "" {
		t.Errorf("begun %v, after a day less a second (-want +got):\n%s", begun, d)
	}

	s.Remove(mail)
	c.t = c.t.Add(v1alpha1.CursorKept)
	s.Remove(mail) // the first time counts
	s.Sweep()
	s = again(t, s, path)
	if p, begun = s.Place(mail, "orders"); begun || p.Counts() != (Counts{}) || s.open.Load() != 0 {
		t.Errorf("after a day it is still there: %v %+v, %d open", begun, p.Counts(), s.open.Load())
	}
	closeStore(t, s)
}

func TestAnotherChannel(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "cursors"), time.Now)
	defer closeStore(t, s)
	p, _ := s.Place(mail, "orders")
	p.Begin("orders", 5)
	p.Retry(7, Entry{})
	if p, begun := s.Place(mail, "bills"); begun || p.Counts() != (Counts{}) {
		t.Errorf("begun %v with %+v", begun, p.Counts())
	}
}

// A place that a crash left between Place and Begin has not begun.
func TestNotBegun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursors")
	s := openStore(t, path, time.Now)
	s.Place(mail, "orders")
	s = again(t, s, path)
	defer closeStore(t, s)
	if _, begun := s.Place(mail, "orders"); begun {
		t.Error("it has begun")
	}
}

func TestRoom(t *testing.T) {
	s := openStore(t, filepath.Join(t.TempDir(), "cursors"), time.Now)
	defer closeStore(t, s)
	var places []*Place
	for i := range 11 {
		p, _ := s.Place(types.NamespacedName{Namespace: "shop", Name: fmt.Sprint("s", i)}, "orders")
		p.Begin("orders", 0)
		places = append(places, p)
	}
	fill := func(p *Place) {
		p.mu.Lock()
		for seq := range uint64(maxOpen) {
			p.retries[seq+1] = Entry{}
		}
		p.mu.Unlock()
		s.open.Add(maxOpen)
	}
	fill(places[0])
	if places[0].Room(0) {
		t.Error("room in a full place")
	}
	if p := places[1]; !p.Room(fairOpen) || p.Room(maxOpen) {
		t.Error("events that wait do not count, or count for too much")
	}
	for _, p := range places[1:10] {
		fill(p)
	}
	if p := places[10]; !p.Room(0) || p.Room(fairOpen) {
		t.Error("with a million open in all, one has its fair part and no more")
	}
	places[0].Pass(1, maxOpen, Delivered, maxOpen)
	if !places[0].Room(0) || s.open.Load() != 9*maxOpen {
		t.Errorf("no room after all is done; %d open", s.open.Load())
	}
}
