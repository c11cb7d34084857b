package specfile

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// maxShares is how much of the traffic all shares may have together, in basis
// points. The rest is for the live version and for the one that follows it.
const maxShares = 90_00

// What holds where a rule does not say it.
const (
	defaultEvery       = 2 * time.Minute
	defaultErrors      = 1_0000 // parts per million
	defaultAlpha       = 1_0000 // parts per million
	defaultMargin      = 125    // percent
	defaultMinRequests = 200
)

// ruleCheck is one thing that can be wrong with a rule: where, and what to do.
type ruleCheck struct {
	wrong        bool
	key, message string
}

// checkRule checks what involves more than one key of a rule, and fills in
// what it does not say.
func checkRule(r *reader, key, refs string, rule *rule) {
	if err := checkRefs(refs); err != nil {
		r.failAt(r.at[key], key, "%s", err)
		return
	}
	problems := len(r.problems)
	// What the keys mean together follows from the way that the rule goes.
	for _, checks := range []func() []ruleCheck{rule.ways, rule.details} {
		for _, c := range checks() {
			at := key
			if c.key != "" {
				at = join(key, c.key)
			}
			if c.wrong {
				r.failAt(r.at[at], at, "%s", c.message)
			}
		}
		if len(r.problems) > problems {
			return
		}
	}
	rule.complete()
}

func (r *rule) details() []ruleCheck {
	return slices.Concat(r.canaryChecks(), r.gateChecks(), r.shareChecks())
}

// ways checks that a rule says in one way how the traffic moves.
func (r *rule) ways() []ruleCheck {
	canary, blueGreen := r.Canary != nil, r.BlueGreen != nil
	ends, holds := r.instant || canary || blueGreen, !r.Ends()
	share := "weight"
	if r.Weight == 0 {
		share = "match"
	}
	return []ruleCheck{
		{!ends && !holds, "", "does not say how the traffic moves; write instant: true, canary: {steps: [1, 5, 25, 50]} or bluegreen: {soak: 10m}, or for a share weight: 10"},
		{r.instant && (canary || blueGreen), "instant", "instant, canary and bluegreen exclude each other; keep one"},
		{canary && blueGreen, "bluegreen", "canary and bluegreen exclude each other; keep one"},
		{ends && holds, share, share + " holds a share, while instant, canary and bluegreen end at 100%; keep one of the two"},
	}
}

func (r *rule) canaryChecks() []ruleCheck {
	c := r.Canary
	if c == nil {
		return nil
	}
	rising := true
	for i := range c.Steps {
		rising = rising && (i == 0 || c.Steps[i] > c.Steps[i-1])
	}
	steps, ramp := len(c.Steps) > 0, c.Ramp.Duration > 0
	return []ruleCheck{
		{!steps && !ramp, "canary", "has no steps; write them as steps: [1, 5, 25, 50], or ramp: 20m"},
		{steps && ramp, "canary.ramp", "steps and ramp exclude each other; keep one"},
		{!steps && ramp && c.Every.Duration > 0, "canary.every", "goes with steps; ramp is the time of the whole way"},
		{!rising, "canary.steps", "the steps have to rise, such as [1, 5, 25, 50]"},
	}
}

func (r *rule) gateChecks() []ruleCheck {
	unsplit := "instant has no time for that"
	if !r.instant {
		unsplit = "requests that match are no sample, so that nothing is counted; that needs a weight"
	}
	counts := r.counts()
	checks := []ruleCheck{
		{!counts && r.Gates != nil, "gates", unsplit + "; for gates, write bluegreen: {soak: 10m} or weight: 10"},
		{!counts && r.OnFail != "", "onFail", unsplit + "; remove the key"},
		{r.instant && r.Mirror > 0, "mirror", unsplit + "; to mirror, write bluegreen: {soak: 10m}"},
	}
	if len(r.quantiles) > 1 {
		checks = append(checks, ruleCheck{true, "gates." + quantileName(r.quantiles[1]), "one bound of the time is enough; keep the one that matters"})
	}
	return checks
}

// counts reports whether the requests are split, so that those of the new
// version can be judged by those of the live one.
func (r *rule) counts() bool { return r.Canary != nil || r.BlueGreen != nil || r.Weight > 0 }

func (r *rule) shareChecks() []ruleCheck {
	holds := !r.Ends()
	return []ruleCheck{
		{r.Match != nil && r.Match.Method == "" && r.Match.Header == nil && r.Match.Cookie == nil, "match", `says nothing that a request must have; write a header, such as {header: {X-Beta: "yes"}}, a cookie or a method`},
		{!holds && r.Promote != nil, "promote", "is for branches with a share (weight); this rule ends at 100% by itself"},
		{holds && r.Promote != nil && r.Weight == 0, "promote", "needs a share that can pass gates; add weight: 10"},
		{holds && r.OnFail == v1alpha1.OnFailRevert, "onFail", "revert is for production; a branch with a share is taken to 0% by rollback, or held by hold"},
	}
}

// complete fills in what a rule does not say.
func (r *rule) complete() {
	if r.Canary != nil && len(r.Canary.Steps) > 0 && r.Canary.Every.Duration == 0 {
		r.Canary.Every.Duration = defaultEvery
	}
	if !r.counts() {
		return
	}
	if r.OnFail == "" {
		r.OnFail = v1alpha1.OnFailRollback
	}
	if r.Gates == nil {
		r.Gates = &v1alpha1.Gates{}
	}
	g := r.Gates
	if g.Errors == 0 && !r.errorsOff {
		g.Errors = defaultErrors
	}
	if g.Alpha == 0 {
		g.Alpha = defaultAlpha
	}
	if g.Margin == 0 {
		g.Margin = defaultMargin
	}
	g.MinRequests = defaultMinRequests
	if r.minRequests != nil {
		g.MinRequests = int64(*r.minRequests)
	}
}

// acrossRules checks what involves more than one rule.
func (r *reader) acrossRules(rules []v1alpha1.Rule) {
	shares := int32(0)
	for i := range rules {
		key := join("release", rules[i].Refs)
		within := shares <= maxShares
		if shares += rules[i].Weight; within && shares > maxShares {
			r.failAt(r.at[join(key, "weight")], join(key, "weight"), "the shares add up to %s; at most %s are allowed, as the rest is for the live version and the next one", v1alpha1.Percent(shares), v1alpha1.Percent(maxShares))
		}
		for _, earlier := range rules[:i] {
			if earlier.Ends() == rules[i].Ends() && covers(earlier.Refs, rules[i].Refs) {
				r.failAt(r.at[key], key, "never applies, as %s before it names the same branches or tags; put this rule first", earlier.Refs)
				break
			}
		}
	}
}

// covers reports whether a glob matches all that another one does. It may miss
// that where one of them has a ? or a class.
func covers(glob, other string) bool {
	if strings.ContainsAny(other, "*?") && strings.ContainsAny(glob, "?[") || strings.Contains(other, "[") {
		return false
	}
	// A * that stands for the * of the other one stands for all that it means.
	matched, err := path.Match(glob, other)
	return err == nil && matched
}
