package promotion

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// ruleWords are rules of production to choose from, shareWords those of a branch.
var (
	ruleWords = []string{
		"instant", "canary 1,5,25,50", "canary 0.01,99.99 every 1s min 0", "canary 10 every 1m onfail hold approve", "ramp 10m",
		"bluegreen 1m keep 1h onfail revert", "bluegreen 0s", "canary 50 every 10s mirror 5 budget 3 http",
	}
	shareWords = []string{"weight 10", "weight 60 after 1m onfail hold", "match yes mirror 10", "weight 30 approve job"}
)

// FuzzRules lives through the story that the bytes tell, of five revisions, two
// branches and processes that die, and checks every decision.
func FuzzRules(f *testing.F) {
	f.Add([]byte("0a1a8b5b5b5b3b5b"))
	for i := range byte(40) {
		story := make([]byte, 200)
		for j := range story {
			story[j] = byte(int(i)*131+j*j*17+j*int(i+3)) ^ byte(j>>2)
		}
		f.Add(story)
	}
	f.Fuzz(func(t *testing.T, story []byte) {
		w := newWorld(t)
		w.rate = 100
		w.change(strings.Fields("history a"))
		ever := map[string]bool{}
		for i := 0; i+1 < len(story) && i < 400 && !t.Failed(); i += 2 {
			w.pass(w.in.Now.Add(time.Duration(story[i]>>4) * 7 * time.Second))
			words := command(story[i]&15, story[i+1])
			calm := words == "" || strings.HasPrefix(words, "ready")
			if words != "" {
				w.change(strings.Fields(words))
			}
			for name, rev := range w.in.Revisions {
				ever[name] = ever[name] || rev.Ready
			}
			before := w.in
			d := w.look()
			checkRules(t, before, d, ever)
			if calm && len(before.Serving) > 0 {
				checkMonotone(t, before, d)
			}
		}
	})
}

// command is what happens next; empty: nothing but time passes.
func command(kind, value byte) string {
	name := string(rune('a' + value%5))
	branch := []string{"beta", "feat/x"}[value>>3&1]
	switch kind {
	case 0:
		return "history " + name + " " + []string{"a", "b", "c", "d", "e"}[(value>>3)%5]
	case 1, 2:
		return "ready " + name
	case 3:
		return "unready " + name
	case 4:
		return "rule " + ruleWords[int(value>>2)%len(ruleWords)]
	case 5:
		return "share " + branch + " " + name + " " + shareWords[int(value>>4)%len(shareWords)]
	case 6:
		return "verdict " + name + " " + []string{"errors", "http", "job"}[value>>3%3&1] + " " + []string{"passing", "doubtful", "passing", "failed"}[value>>6]
	case 7:
		return []string{"pin " + name, "unpin", "unpin", "hold", "resume"}[(value>>3)%5]
	case 8:
		return []string{"approve", "promote", "crash " + name, "retry " + name, "gone " + name}[(value>>3)%5]
	case 9:
		return []string{"died", "unrouted", "lost status", "lost route", "served " + name, "same " + name + " a", "same " + name}[(value>>3)%7]
	case 10:
		return []string{"committed revert " + name, "committed fastForward " + name, "slow " + name, fmt.Sprintf("carries %s %d", name, value%100)}[value>>3&3]
	}
	return ""
}

// checkRules checks what holds for every decision by rules, beside what
// checkDecision does.
func checkRules(t *testing.T, in Input, d Decision, ever map[string]bool) {
	t.Helper()
	live := Live(d.Traffic)
	for _, target := range d.Traffic {
		if target.Weight > 0 && !ever[target.Revision] {
			t.Errorf("%s was never ready, and has %d", target.Revision, target.Weight)
		}
		failed := slices.ContainsFunc(in.Readings[target.Revision].Gates, func(g v1alpha1.GateStatus) bool { return g.Verdict == v1alpha1.VerdictFailed })
		trial := slices.ContainsFunc(d.Trials, func(t v1alpha1.Trial) bool { return t.Revision == target.Revision && t.Began.Time.Before(in.Now) })
		if target.Salt != "" && target.Weight > 0 && failed && trial && same(in.Trials, d.Trials, target.Revision) {
			t.Errorf("%s has failed, and has %d", target.Revision, target.Weight)
		}
		rose := target.Weight > weight(in.Serving, target.Revision) && target.Salt != "" && len(in.Serving) > 0
		if rule := in.Production.Rule; rose && target.Salt == target.Revision && rule.Canary != nil && alike(in.Serving, d.Traffic) && target.Weight > in.Revisions[target.Revision].Carries {
			t.Errorf("%s gets %d, and its pods carry %d", target.Revision, target.Weight, in.Revisions[target.Revision].Carries)
		}
		if rose && target.Salt != target.Revision && target.Weight > in.Revisions[target.Revision].Carries {
			t.Errorf("share %s gets %d, and its pods carry %d", target.Revision, target.Weight, in.Revisions[target.Revision].Carries)
		}
	}
	pinned, exists := in.Revisions[in.Pin]
	if in.Pin != "" && exists && pinned.Ready && pinned.SameAs == "" && role(d.Roles, in.Pin).Role != v1alpha1.RoleQuarantined && d.Failing == "" &&
		weight(d.Traffic, in.Pin) != v1alpha1.Whole && live != "" {
		t.Errorf("the pinned revision has %d", weight(d.Traffic, in.Pin))
	}
	if in.Pin != "" && len(d.Trials) > 0 && live != "" {
		t.Errorf("a pin, and trials %v", d.Trials)
	}
	for _, trial := range d.Trials {
		if trial.Ref == in.Production.Ref && live != "" && role(d.Roles, live).Warm != (trial.Weight > 0) {
			t.Errorf("%s has %d, and its stable keeps its pods: %v", trial.Revision, trial.Weight, role(d.Roles, live).Warm)
		}
		if trial.Waiting == "" && trial.Ref == in.Production.Ref {
			t.Errorf("%s waits for nothing", trial.Revision)
		}
	}
}

// same reports whether a revision's trial goes on beside the same stable one.
func same(before, after []v1alpha1.Trial, name string) bool {
	of := func(trials []v1alpha1.Trial) v1alpha1.Trial {
		for _, t := range trials {
			if t.Revision == name {
				return t
			}
		}
		return v1alpha1.Trial{}
	}
	was, is := of(before), of(after)
	return was.Revision == name && was.Stable == is.Stable && was.Ref == is.Ref
}

// alike reports whether shares have the same part of two splits.
func alike(before, after []v1alpha1.TrafficTarget) bool {
	shared := func(traffic []v1alpha1.TrafficTarget) (sum int32) {
		for _, t := range traffic {
			if t.Salt != "" && t.Salt != t.Revision {
				sum += t.Weight
			}
		}
		return sum
	}
	return shared(before) == shared(after)
}

// checkMonotone checks that a candidate has no less than before, where nothing
// fails and shares stay as they are.
func checkMonotone(t *testing.T, in Input, d Decision) {
	t.Helper()
	if Live(in.Serving) != Live(d.Traffic) || !alike(in.Serving, d.Traffic) {
		return
	}
	for _, trial := range d.Trials {
		if trial.Ref == in.Production.Ref && trial.Weight < weight(in.Serving, trial.Revision) {
			t.Errorf("%s had %d and has %d", trial.Revision, weight(in.Serving, trial.Revision), trial.Weight)
		}
	}
}
