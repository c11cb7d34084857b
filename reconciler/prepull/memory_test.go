package prepull

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
)

// TestLaggingCache: what was made or dealt with counts before the cache knows.
func TestLaggingCache(t *testing.T) {
	pull := func(name string) Pull {
		return Pull{Pod: types.NamespacedName{Namespace: "team", Name: name}, UID: types.UID(name), Created: start}
	}
	var m memory
	names := func(now time.Time, cached ...string) (names []string) {
		var pulls []Pull
		for _, name := range cached {
			pulls = append(pulls, pull(name))
		}
		for _, p := range m.pulls(pulls, now) {
			names = append(names, p.Pod.Name)
		}
		return names
	}
	for _, step := range []struct {
		name   string
		do     func()
		after  time.Duration
		cached []string
		want   []string
	}{
		{"nothing", func() {}, 0, nil, nil},
		{"made, and not in the cache yet", func() { m.start(pull("a")) }, 0, nil, []string{"a"}},
		{"in the cache", func() {}, 0, []string{"a"}, []string{"a"}},
		{"gone from the cache", func() {}, 0, nil, nil},
		{"dealt with, and in the cache still", func() { m.handle("b") }, 0, []string{"b", "c"}, []string{"c"}},
		{"seen again", func() {}, 0, []string{"b", "c"}, []string{"c"}},
		{"gone at last", func() {}, 0, nil, nil},
		{"made", func() { m.start(pull("d")) }, lag, nil, []string{"d"}},
		{"and never seen", func() {}, lag + 1, nil, nil},
	} {
		step.do()
		if diff := cmp.Diff(step.want, names(start.Add(step.after), step.cached...)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	if len(m.handled)+len(m.started) != 0 {
		t.Errorf("left: %v, %v", m.handled, m.started)
	}
}

// TestForget: nothing stays of images that nobody can reach and nodes that are
// gone.
func TestForget(t *testing.T) {
	var m memory
	for _, at := range []attempt{{"a", "n1"}, {"a", "n2"}, {"b", "n1"}, {"c", "n2"}} {
		m.note(at.digest, at.node)
		m.fail(at, start)
	}
	m.forget([]Target{{Digest: "a"}, {Digest: "c"}}, []nodeID{"n1", "n3"})
	if diff := cmp.Diff(map[string][]nodeID{"a": {"n1"}}, m.on); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
	if len(m.tries) != 1 || m.tries[attempt{"a", "n1"}].count != 1 {
		t.Errorf("failures: %v", m.tries)
	}
}
