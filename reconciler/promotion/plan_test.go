package promotion

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// checkDecision checks what holds for every decision.
func checkDecision(t *testing.T, in Input, d Decision) {
	t.Helper()
	sum := int32(0)
	for _, target := range d.Traffic {
		sum += target.Weight
		rev, exists := in.Revisions[target.Revision]
		if !exists {
			t.Errorf("%s does not exist", target.Revision)
		}
		if target.Weight > 0 && !rev.Ready && weight(in.Serving, target.Revision) == 0 && weight(remembered(in), target.Revision) == 0 {
			t.Errorf("%s is not ready and did not serve", target.Revision)
		}
		if target.Weight < 0 || target.Weight > 0 && role(d.Roles, target.Revision).Weight != target.Weight {
			t.Errorf("%s has a weight of %d, and the role %+v", target.Revision, target.Weight, role(d.Roles, target.Revision))
		}
		if target.Salt != "" && target.Weight > 0 && role(d.Roles, target.Revision).Role == v1alpha1.RoleQuarantined {
			t.Errorf("%s has traffic in quarantine", target.Revision)
		}
	}
	if len(d.Traffic) > 0 && sum != v1alpha1.Whole {
		t.Errorf("weights add up to %d", sum)
	}
	if _, exists := in.Revisions[Live(in.Serving)]; exists && Live(d.Traffic) == "" {
		t.Error("traffic was taken from a revision that exists, and given to none")
	}
	names := map[string]bool{}
	for _, r := range d.Roles {
		if names[r.Name] {
			t.Errorf("%s has two roles: %+v", r.Name, d.Roles)
		}
		names[r.Name] = true
	}
	targets := map[string]bool{}
	for _, target := range d.Traffic {
		if targets[target.Revision] {
			t.Errorf("%s is a target twice", target.Revision)
		}
		targets[target.Revision] = true
	}
	for _, trial := range d.Trials {
		if trial.Weight != role(d.Roles, trial.Revision).Weight {
			t.Errorf("the trial of %s has a weight of %d, and the role %+v", trial.Revision, trial.Weight, role(d.Roles, trial.Revision))
		}
	}
	if d.Next < 0 {
		t.Errorf("next in %v", d.Next)
	}
	second := Plan(after(in, d))
	if diff := cmp.Diff(d.Traffic, second.Traffic); diff != "" {
		t.Errorf("a second look decides otherwise (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(d.Roles, second.Roles); diff != "" {
		t.Errorf("a second look remembers otherwise (-first +second):\n%s", diff)
	}
	if Live(in.Serving) != Live(d.Traffic) { // what shares wait for was about the one before
		for i := range min(len(d.Trials), len(second.Trials)) {
			second.Trials[i].Waiting, second.Trials[i].Next = d.Trials[i].Waiting, d.Trials[i].Next
		}
	}
	if diff := cmp.Diff(d.Trials, second.Trials); diff != "" {
		t.Errorf("a second look tries otherwise (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(d.Commit, second.Commit); diff != "" {
		t.Errorf("a second look asks otherwise (-first +second):\n%s", diff)
	}
	if len(second.Events) > 0 {
		t.Errorf("a second look tells of %v", second.Events)
	}
}

// after is the input when a decision was carried out. Of trials that begin there
// are no readings yet.
func after(in Input, d Decision) Input {
	readings := map[string]Reading{}
	for _, was := range in.Trials {
		for _, is := range d.Trials {
			if reading, known := in.Readings[is.Revision]; known && was.Revision == is.Revision && was.Stable == is.Stable && was.Began == is.Began {
				readings[is.Revision] = reading
			}
		}
	}
	in.Readings = readings
	in.Serving, in.Roles, in.Trials, in.Commit = d.Traffic, d.Roles, d.Trials, d.Commit
	return in
}

func weight(traffic []v1alpha1.TrafficTarget, name string) int32 {
	for _, t := range traffic {
		if t.Revision == name {
			return t.Weight
		}
	}
	return 0
}

func role(roles []v1alpha1.RevisionRole, name string) v1alpha1.RevisionRole {
	for _, r := range roles {
		if r.Name == name {
			return r
		}
	}
	return v1alpha1.RevisionRole{}
}

func remembered(in Input) []v1alpha1.TrafficTarget {
	if len(in.Serving) > 0 {
		return nil
	}
	d := deciding{Input: in}
	return d.remembered()
}

// FuzzPlan checks every decision over apps of up to 8 revisions: which exist,
// are ready, have crashed, serve, are kept and quarantined, in any history.
func FuzzPlan(f *testing.F) {
	f.Add([]byte{0, 1, 2}, byte(0b111), byte(0b011), byte(0), byte(0), byte(1), byte(8), byte(8))
	f.Add([]byte{2, 0}, byte(0b101), byte(0b001), byte(0b100), byte(0), byte(2), byte(0), byte(8))
	f.Add([]byte{2, 1, 0}, byte(0b111), byte(0b111), byte(0b100), byte(0b10), byte(2), byte(0), byte(1))
	f.Add([]byte{}, byte(0xff), byte(0xff), byte(0), byte(0xff), byte(8), byte(3), byte(3))
	f.Fuzz(func(t *testing.T, history []byte, exist, ready, crashed, quarantined, serving, kept, pin byte) {
		in := input(history, exist, ready, crashed, quarantined, serving, kept, pin)
		d := Plan(in)
		checkDecision(t, in, d)
		if rev := in.Revisions[in.Pin]; in.Pin != "" && rev.Ready && crashed == 0 && quarantined == 0 && Live(d.Traffic) != in.Pin {
			t.Errorf("the pinned revision is ready, but %q serves", Live(d.Traffic))
		}
	})
}

// input reads bits: revision i exists, is ready, and so on. A number of 8 or
// more is none. What serves has done so for a minute.
func input(history []byte, exist, ready, crashed, quarantined, serving, kept, pin byte) Input {
	name := func(i byte) string { return string(rune('a' + i%8)) }
	in := Input{Revisions: map[string]Revision{}, Now: epoch.Add(time.Minute)}
	for i := range byte(8) {
		bit := byte(1) << i
		if exist&bit != 0 {
			rev := Revision{Ready: ready&bit != 0, Settle: 2 * time.Minute}
			if crashed&bit != 0 {
				rev.Evidence.Crash = &v1alpha1.Crash{SeenAt: metav1.NewMicroTime(epoch.Add(30 * time.Second)), Message: "it crashed"}
			}
			in.Revisions[name(i)] = rev
		}
		if quarantined&bit != 0 && i != serving && i != kept {
			in.Roles = append(in.Roles, v1alpha1.RevisionRole{Name: name(i), Role: v1alpha1.RoleQuarantined, Since: metav1.NewMicroTime(epoch)})
		}
	}
	for _, h := range history[:min(len(history), 20)] {
		in.History = append(in.History, name(h))
	}
	if serving < 8 {
		in.Serving = []v1alpha1.TrafficTarget{{Revision: name(serving), Weight: v1alpha1.Whole}}
		in.Roles = append(in.Roles, v1alpha1.RevisionRole{Name: name(serving), Role: v1alpha1.RoleLive, Since: metav1.NewMicroTime(epoch)})
		if kept < 8 && kept != serving {
			in.Serving = append(in.Serving, v1alpha1.TrafficTarget{Revision: name(kept)})
			in.Roles = append(in.Roles, v1alpha1.RevisionRole{Name: name(kept), Role: v1alpha1.RoleKept, Since: metav1.NewMicroTime(epoch)})
		}
	}
	if pin < 8 {
		in.Pin = name(pin)
	}
	return in
}

func TestLive(t *testing.T) {
	for _, tc := range []struct {
		traffic []v1alpha1.TrafficTarget
		want    string
	}{
		{nil, ""},
		{[]v1alpha1.TrafficTarget{{Revision: "a", Weight: 0}}, ""},
		{[]v1alpha1.TrafficTarget{{Revision: "a", Weight: 10}, {Revision: "b", Weight: 90}}, "b"},
		{[]v1alpha1.TrafficTarget{{Revision: "a", Weight: 90, Salt: "a"}, {Revision: "b", Weight: 10}, {Revision: "c"}}, "b"},
		{[]v1alpha1.TrafficTarget{{Revision: "a", Weight: 10, Salt: "a"}, {Revision: "b", Weight: 90, Salt: "refs/heads/beta"}}, ""},
	} {
		if got := Live(tc.traffic); got != tc.want {
			t.Errorf("Live(%v) = %q, want %q", tc.traffic, got, tc.want)
		}
	}
}

// TestFarWorse is about what counts as far above a predecessor.
func TestFarWorse(t *testing.T) {
	for _, tc := range []struct {
		name        string
		now, before Answers
		want        bool
	}{
		{"no answer yet", Answers{}, Answers{1000, 0}, false},
		{"one bad one", Answers{1, 1}, Answers{1000, 0}, false},
		{"four bad ones", Answers{4, 4}, Answers{1000, 0}, false},
		{"five bad ones", Answers{5, 5}, Answers{1000, 0}, true},
		{"all bad, the predecessor is not known", Answers{12, 12}, Answers{}, true},
		{"half bad, the predecessor is not known", Answers{1000, 500}, Answers{}, false},
		{"a few bad ones among many", Answers{10_000, 400}, Answers{10_000, 0}, false},
		{"one in ten", Answers{1000, 100}, Answers{10_000, 0}, true},
		{"as bad as before", Answers{1000, 300}, Answers{10_000, 3000}, false},
		{"much worse than before", Answers{1000, 900}, Answers{10_000, 3000}, true},
		{"before all were bad", Answers{1000, 1000}, Answers{10_000, 9000}, false},
	} {
		got := Evidence{Answers: tc.now}.failure(epoch, Evidence{Answers: tc.before}) != ""
		if got != tc.want {
			t.Errorf("%s: %v after %v fails: %v", tc.name, tc.now, tc.before, got)
		}
	}
}

// TestNumbers is about how often numbers are written that change nothing else.
func TestNumbers(t *testing.T) {
	w := newWorld(t)
	w.rate = 100
	for _, words := range []string{"rule canary 1 every 1s", "history b a", "ready a b", "slow b", "carries b 1"} {
		w.change(strings.Fields(words))
	}
	w.in.Serving = []v1alpha1.TrafficTarget{{Revision: "a", Weight: v1alpha1.Whole}}
	w.look()
	for _, tc := range []struct {
		after    time.Duration
		words    string
		requests int64
		why      string
	}{
		{2 * time.Second, "", 2, "it waits for requests now"},
		{5 * time.Second, "", 2, "only the number is another"},
		{12 * time.Second, "", 12, "it is 10 seconds old"},
		{13 * time.Second, "verdict b errors passing 0 of 13", 13, "a gate is new"},
		{15 * time.Second, "verdict b errors passing 0 of 15", 13, "only what a gate says is another"},
		{16 * time.Second, "verdict b errors doubtful 4 of 16", 16, "a verdict is another"},
		{60 * time.Second, "traffic 0", 60, "it is 10 seconds old"},
		{61 * time.Second, "", 60, "nothing is another"},
	} {
		w.pass(epoch.Add(tc.after))
		if tc.words != "" {
			w.change(strings.Fields(tc.words))
		}
		if got := w.look().Trials[0].Requests; got != tc.requests {
			t.Errorf("after %s, as %s: %d requests, want %d", tc.after, tc.why, got, tc.requests)
		}
	}
	before := w.in.Trials[0]
	w.pass(epoch.Add(time.Hour))
	if diff := cmp.Diff(before, w.look().Trials[0]); diff != "" {
		t.Errorf("nothing has changed for an hour, and it is written:\n%s", diff)
	}
}
