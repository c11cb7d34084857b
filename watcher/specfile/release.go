package specfile

import (
	"errors"
	"fmt"
	"path"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/api/window"
)

// rule is a rule of release while its keys are read. What a Rule cannot tell
// from a key that is not there stands beside it.
type rule struct {
	v1alpha1.Rule
	instant     bool
	errorsOff   bool
	minRequests *int32
	// quantiles are all that have a bound.
	quantiles []int32
}

// releaseRow is the key release: rules by the refs that they are for.
var releaseRow = row{
	name: "release", byDefault: "all traffic goes to a new version at once",
	doc: "Rules by which new versions get traffic, as [promotion](promotion.md) explains. Each key is a branch, a tag or a glob of them (`*` stays within one part of a name); the first one that fits counts. Only the file on the production branch counts.",
	value: objectsByName[Spec, rule]{
		what:    "a branch, a tag or a glob of them, such as main, feat/* or v*; without refs/, ** and braces",
		pattern: refsPattern, example: "main", most: 16,
		item:  objectOf[rule]{rows: ruleRows, example: "{canary: {steps: [1, 5, 25, 50]}}"},
		check: checkRule,
		add: func(s *Spec, refs string, r rule) {
			r.Refs = refs
			s.Release = append(s.Release, r.Rule)
		}},
}

// refsPattern are globs of short names of refs, as path.Match reads them.
const refsPattern = `^([^\s~^:\\{}!/\[\]*]|\*|\[[^\]/\s]+\])+(/([^\s~^:\\{}/\[\]*]|\*|\[[^\]/\s]+\])+)*$`

// checkRefs says what is wrong with a glob that has the form of one.
func checkRefs(refs string) error {
	_, err := path.Match(refs, "")
	switch {
	case len(refs) > 255:
		return fmt.Errorf("has %d characters; at most 255 are allowed", len(refs))
	case strings.HasPrefix(refs, "refs/"):
		return fmt.Errorf("begins with refs/; write the name of the branch or tag alone, such as %s", v1alpha1.ShortRef(refs))
	case strings.Contains(refs, "**"):
		return errors.New("has **, which means no more than * here; write one rule for each number of slashes, such as feat/* and feat/*/*")
	case err != nil:
		return errors.New("is not a valid glob; write it as main, feat/* or v[0-9]*")
	}
	return nil
}

// percent is a part of the traffic.
func percent(example string, most int64, set func(r *rule, basisPoints int32)) decimalOf[rule] {
	return decimalOf[rule]{what: "a percentage", example: example, digits: 2, min: 1, max: most, percent: maySign,
		set: func(r *rule, v int64) { set(r, int32(v)) }}
}

var ruleRows = []rowOf[rule]{
	{
		name: "instant", byDefault: "false",
		doc:   "All of the traffic at once, as without a rule.",
		value: booleanOf[rule]{set: func(r *rule, v bool) { r.instant = v }},
	},
	{
		name: "canary", byDefault: "none",
		doc: "The traffic moves step by step, as long as the gates are passed.",
		value: objectOf[rule]{rows: canaryRows, example: "{steps: [1, 5, 25, 50], every: 2m}",
			begin: func(r *rule) { r.Canary = &v1alpha1.Canary{} }},
	},
	{
		name: "bluegreen", byDefault: "none",
		doc: "All of the traffic at once, from a version that was checked before with pods for all of it.",
		value: objectOf[rule]{rows: blueGreenRows, example: "{soak: 10m, keep: 1h}",
			begin: func(r *rule) {
				r.BlueGreen = &v1alpha1.BlueGreen{Keep: metav1.Duration{Duration: v1alpha1.DefaultSettle}}
			}},
	},
	{
		name: "weight", byDefault: "no share",
		doc:   "Share of the traffic, in percent, that the head of each such branch has until it is merged or deleted. All shares together are at most 90%.",
		value: percent("10", maxShares, func(r *rule, v int32) { r.Weight = v }),
	},
	{
		name: "match", byDefault: "none",
		doc: "Requests that go to the head of the branch: all that is said has to hold.",
		value: objectOf[rule]{rows: matchRows, example: `{header: {X-Beta: "yes"}}`,
			begin: func(r *rule) { r.Match = &v1alpha1.Match{} }},
	},
	{
		name: "mirror", byDefault: "no copies",
		doc:   "Percentage of the requests without a body (GET, HEAD, OPTIONS) of which the new version gets a copy, too; its answers to them are thrown away.",
		value: percent("5%", 100_00, func(r *rule, v int32) { r.Mirror = v }),
	},
	{
		name: "promote", byDefault: "never",
		doc: "When a branch with a share is taken over into production.",
		value: objectOf[rule]{rows: promoteRows, example: "{to: main, after: 24h}",
			begin: func(r *rule) { r.Promote = &v1alpha1.PromoteTo{} }},
	},
	{
		name: "gates", byDefault: "{errors: 1%} where a part of the traffic is split off",
		doc: "What a new version must not fail while it has a part of the traffic.",
		value: objectOf[rule]{rows: gateRows, example: "{errors: 0.5%, p95: 300ms}",
			begin: func(r *rule) { r.Gates = &v1alpha1.Gates{} }},
	},
	{
		name: "onFail", byDefault: "rollback",
		doc: "What happens when a gate fails: `rollback` takes the version to 0% for good; `hold` does that on strong evidence only and else waits for a person; `revert` is a rollback and a commit that reverts the version in git.",
		value: textOf[rule]{what: "rollback, hold or revert", example: "revert", pattern: "^(rollback|hold|revert)$", most: 8,
			set: func(r *rule, v string) error { r.OnFail = v1alpha1.OnFail(v); return nil }},
	},
	{
		name: "approve", byDefault: "false",
		doc:   "Wait at 0%, at the version's own URL, for the tag that approves its commit (`headway approve`).",
		value: booleanOf[rule]{set: func(r *rule, v bool) { r.Approve = v }},
	},
	{
		name: "freeze", byDefault: "never",
		doc: "Times in which nothing goes forward: days of the week, `daily`, or dates, with the time zone. Rollbacks and pins are not stopped.",
		value: listOf[rule]{what: "times", most: 16, item: textOf[rule]{what: "a window", example: `"fri 16:00 - mon 08:00 Europe/Berlin"`,
			pattern: `^[^\x00-\x1f]+$`, most: 128, set: addFreeze}},
	},
}

func addFreeze(r *rule, v string) error {
	w, err := window.Parse(v)
	if err != nil {
		return err
	}
	r.Freeze = append(r.Freeze, w.String())
	return nil
}
