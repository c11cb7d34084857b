package v1alpha1

import "testing"

func TestRuleFor(t *testing.T) {
	canary, share := Rule{Canary: &Canary{}}, Rule{Weight: 1000}
	named := func(r Rule, refs string) Rule { r.Refs = refs; return r }
	branches := AppSpec{ProductionRef: "refs/heads/main", Release: []Rule{
		named(share, "feat/slow"), named(Rule{Match: &Match{Method: "GET"}}, "feat/*"), named(canary, "m*"), named(Rule{}, "main"), named(share, "*"),
	}}
	tags := AppSpec{ProductionRef: "refs/tags/v1.2.0", Release: []Rule{named(share, "v*"), named(canary, "v*")}}
	for _, tt := range []struct {
		spec AppSpec
		ref  string
		want int // place of the rule; -1: none
	}{
		{branches, "refs/heads/main", 2},
		{branches, "refs/heads/feat/slow", 0},
		{branches, "refs/heads/feat/fast", 1},
		{branches, "refs/heads/feat/fast/er", -1}, // * stays within one part of a name
		{branches, "refs/heads/mine", 4},          // rules that end at 100% are not for it
		{branches, "refs/tags/mine", -1},          // nor are shares for tags
		{tags, "refs/tags/v1.2.0", 1},
		{tags, "refs/tags/v1.1.0", -1},
		{tags, "refs/heads/v2", 0},
		{tags, "refs/heads/main", -1},
		{AppSpec{ProductionRef: "refs/heads/main", Release: []Rule{named(canary, "[")}}, "refs/heads/main", -1},
	} {
		got := tt.spec.RuleFor(tt.ref)
		switch {
		case tt.want < 0 && got != nil:
			t.Errorf("%s: got the rule for %s, want none", tt.ref, got.Refs)
		case tt.want >= 0 && got != &tt.spec.Release[tt.want]:
			t.Errorf("%s: got %v, want rule %d", tt.ref, got, tt.want)
		}
	}
}

func TestPercent(t *testing.T) {
	for weight, want := range map[int32]string{0: "0%", 1: "0.01%", 25: "0.25%", 100: "1%", 1250: "12.5%", Whole: "100%"} {
		if got := Percent(weight); got != want {
			t.Errorf("%d is %s, want %s", weight, got, want)
		}
	}
}
