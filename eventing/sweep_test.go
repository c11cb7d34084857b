package eventing

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/ingress"
)

// TestSweep: the events of a channel go when it has had no object for as long as
// places are kept, and not a moment before; those of others stay.
func TestSweep(t *testing.T) {
	store, err := channel.Open(t.Context(), channel.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	gone, kept := channel.Name{Namespace: "shop", Name: "gone"}, channel.Name{Namespace: "shop", Name: "kept"}
	for _, name := range []channel.Name{gone, kept} {
		if _, err := store.Ensure(t.Context(), name, channel.Settings{Keep: time.Hour, Size: 1 << 20, MaxEvent: 64 << 10}); err != nil {
			t.Fatal(err)
		}
	}
	remembered, err := openRemovals(fileNote(filepath.Join(t.TempDir(), "removed.json")))
	if err != nil {
		t.Fatal(err)
	}
	now := noon
	r := &channels{store: store, doors: &ingress.Doors{}, removals: remembered, now: func() time.Time { return now }}
	if err := r.leave(gone); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		after time.Duration
		want  []channel.Name
	}{
		{v1alpha1.CursorKept, []channel.Name{gone, kept}},
		{v1alpha1.CursorKept + time.Second, []channel.Name{kept}},
	} {
		now = noon.Add(step.after)
		r.sweep(t.Context())
		if diff := cmp.Diff(step.want, store.Names()); diff != "" {
			t.Errorf("after %s there are (-want +got):\n%s", step.after, diff)
		}
	}
	if len(remembered.times) != 0 {
		t.Errorf("it still remembers %v", remembered.times)
	}
}
