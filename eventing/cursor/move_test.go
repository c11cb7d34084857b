package cursor

import (
	"path/filepath"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// A subscription that takes the place of another one over has all of it, on disk,
// too, with what was run; the other one has nothing.
func TestMove(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursors")
	now := &clock{time.UnixMilli(1765000000000)}
	s := openStore(t, path, now.now)
	post := types.NamespacedName{Namespace: "shop", Name: "post"}
	p, _ := s.Place(mail, "orders")
	p.Begin("orders", 5)
	p.End(6, Delivered)
	p.End(8, Dead)
	entry := Entry{Attempts: 2, Status: 503, First: 3, Due: 4}
	p.Retry(9, entry)
	r, _ := s.Place(RunName(mail, "replay", "monday"), "orders")
	r.BeginRun(2, Run{Channel: "orders", To: 4, Started: now.t})
	s.Remove(mail)
	s = again(t, s, path)

	if s.Move(mail, post, "bills") || s.Has(mail, "bills") {
		t.Error("it moved in a channel in which it has no place")
	}
	s.Place(post, "orders") // which has not begun
	if s.Has(post, "orders") || !s.Has(mail, "orders") {
		t.Error("the wrong one has a place")
	}
	if !s.Move(mail, post, "orders") || s.Move(mail, post, "orders") {
		t.Error("it did not move once")
	}
	p.End(7, Delivered) // of an attempt that nobody waits for
	check := func() {
		t.Helper()
		p, begun := s.Place(post, "orders")
		want := Counts{Floor: 6, Above: 1, Delivered: 1, Dead: 1, Retrying: 1}
		if d := diff.Diff(want, p.Counts()); d != "" || !begun {
			t.Errorf("begun %v (-want +got):\n%s", begun, d)
		}
		if e, ok := p.Entry(9); !ok || e != entry {
			t.Errorf("event 9 is %+v", e)
		}
		if _, _, begun := s.Run(RunName(post, "replay", "monday")); !begun {
			t.Error("its run is forgotten")
		}
		if _, _, begun := s.Run(RunName(mail, "replay", "monday")); begun || s.Has(mail, "orders") {
			t.Error("the other one has something left")
		}
		if open := s.open.Load(); open != 2 {
			t.Errorf("%d are open, want a range and an entry", open)
		}
	}
	check()
	s = again(t, s, path)
	defer closeStore(t, s)
	now.t = now.t.Add(2 * v1alpha1.CursorKept)
	s.Sweep()
	check()
}
