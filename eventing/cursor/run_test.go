package cursor

import (
	"path/filepath"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// A run is remembered with its place, and goes when that of its subscription does.
func TestRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursors")
	now := time.UnixMilli(1765000000000)
	clock := func() time.Time { return now }
	s := openStore(t, path, clock)
	sub, _ := s.Place(mail, "orders")
	sub.Begin("orders", 5)
	name := RunName(mail, "redrive", "fixed")
	if _, _, begun := s.Run(name); begun {
		t.Error("it has begun by itself")
	}
	p, _ := s.Place(name, "dead")
	want := Run{Channel: "dead", To: 9, Started: now, Note: "2 are gone"}
	p.BeginRun(2, want)
	p.Expire(4)
	p.End(5, Delivered)
	s = again(t, s, path)
	want.Gone = 2
	check := func() {
		t.Helper()
		got, counts, begun := s.Run(name)
		if d := diff.Diff(want, got); d != "" || !begun || counts != (Counts{Floor: 5, Delivered: 1, Dead: 2}) {
			t.Errorf("%v, %+v (-want +got):\n%s", begun, counts, d)
		}
	}
	check()
	p, _ = s.Place(name, "dead")
	want.Finished = now.Add(time.Second)
	p.Finish(want.Finished)
	s = again(t, s, path)
	defer closeStore(t, s)
	check()
	if names := s.Names(); len(names) != 1 || names[0] != mail {
		t.Errorf("the subscriptions are %v", names)
	}
	s.Remove(mail)
	s.Sweep()
	check()
	now = now.Add(v1alpha1.CursorKept)
	s.Sweep()
	if _, _, begun := s.Run(name); begun {
		t.Error("it outlives its subscription")
	}
}
