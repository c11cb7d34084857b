package promotion

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
)

func TestPlan(t *testing.T) {
	on := func(name string) []v1alpha1.TrafficTarget {
		return []v1alpha1.TrafficTarget{{Revision: name, Weight: 100}}
	}
	for _, tc := range []struct {
		name string
		in   Input
		want []v1alpha1.TrafficTarget
	}{
		{"nothing yet", Input{}, nil},
		{"first is not ready", Input{History: []string{"a"}, Ready: map[string]bool{"a": false}}, nil},
		{"first is ready", Input{History: []string{"a"}, Ready: map[string]bool{"a": true}}, on("a")},
		{"history names a revision that is not there yet",
			Input{History: []string{"b", "a"}, Ready: map[string]bool{"a": true}}, on("a")},
		{"newest is not ready: the old one stays",
			Input{History: []string{"b", "a"}, Serving: on("a"), Ready: map[string]bool{"a": true, "b": false}}, on("a")},
		{"newest is ready: it takes over",
			Input{History: []string{"b", "a"}, Serving: on("a"), Ready: map[string]bool{"a": true, "b": true}}, on("b")},
		{"live one loses its pods: no fall-back to older code",
			Input{History: []string{"b", "a"}, Serving: on("b"), Ready: map[string]bool{"a": true, "b": false}}, on("b")},
		{"live one is deleted: the newest ready of the rest",
			Input{History: []string{"b", "a"}, Serving: on("b"), Ready: map[string]bool{"a": true}}, on("a")},
		{"live one is deleted and nothing is ready",
			Input{History: []string{"b", "a"}, Serving: on("b"), Ready: map[string]bool{"a": false}}, nil},
		{"skips a middle one that never was ready",
			Input{History: []string{"c", "b", "a"}, Serving: on("a"), Ready: map[string]bool{"a": true, "b": true, "c": false}}, on("b")},
		{"forced back to an older commit",
			Input{History: []string{"a", "b"}, Serving: on("b"), Ready: map[string]bool{"a": true, "b": true}}, on("a")},
		{"pin takes over from the newest",
			Input{History: []string{"b", "a"}, Pin: "a", Serving: on("b"), Ready: map[string]bool{"a": true, "b": true}}, on("a")},
		{"pin is not ready: the present one stays",
			Input{History: []string{"b", "a"}, Pin: "a", Serving: on("b"), Ready: map[string]bool{"a": false, "b": true}}, on("b")},
		{"pin is not there: no newer revision sneaks in",
			Input{History: []string{"c", "b"}, Pin: "a", Serving: on("b"), Ready: map[string]bool{"b": true, "c": true}}, on("b")},
		{"pinned one loses its pods",
			Input{History: []string{"b", "a"}, Pin: "a", Serving: on("a"), Ready: map[string]bool{"a": false, "b": true}}, on("a")},
		{"pin on a first deploy that is not ready", Input{History: []string{"b"}, Pin: "a", Ready: map[string]bool{"b": true}}, nil},
		{"unpinned, the live one is outside the history and nothing is ready",
			Input{History: []string{"b"}, Serving: on("x"), Ready: map[string]bool{"b": false, "x": true}}, on("x")},
		{"weight 0 is not serving",
			Input{History: []string{"b", "a"}, Ready: map[string]bool{"a": false, "b": false},
				Serving: []v1alpha1.TrafficTarget{{Revision: "b", Weight: 0}, {Revision: "a", Weight: 100}}}, on("a")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Plan(tc.in)); diff != "" {
				t.Errorf("traffic (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLive(t *testing.T) {
	for _, tc := range []struct {
		traffic []v1alpha1.TrafficTarget
		want    string
	}{
		{nil, ""},
		{[]v1alpha1.TrafficTarget{{Revision: "a", Weight: 0}}, ""},
		{[]v1alpha1.TrafficTarget{{Revision: "a", Weight: 10}, {Revision: "b", Weight: 90}}, "b"},
	} {
		if got := Live(tc.traffic); got != tc.want {
			t.Errorf("Live(%v) = %q, want %q", tc.traffic, got, tc.want)
		}
	}
}
