package explain

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Trial is how far a candidate or a share is, and how it does.
type Trial struct {
	Revision string `json:"revision"`
	Ref      string `json:"ref"`
	// Share is true of a head that holds a share, and does not go on to 100%.
	Share bool `json:"share,omitempty"`
	// Weight that it has in basis points, and Next the one that it gets with the
	// next step; 0: there is none.
	Weight int32 `json:"weight"`
	Next   int32 `json:"next,omitempty"`
	// Step is how many steps it has taken of Steps before 100%.
	Step  int32 `json:"step"`
	Steps int32 `json:"steps,omitempty"`
	// Since it has had this weight; At is when time lets it go on, zero where
	// time is not what it waits for.
	Since time.Time `json:"since"`
	At    time.Time `json:"at,omitzero"`
	// Requests in this step, and how many it needs.
	Requests    int64 `json:"requests"`
	MinRequests int64 `json:"minRequests,omitempty"`
	// Waiting says what it waits for, with the preposition that belongs to it:
	// "for its pods to be ready", "until 14:05:00 UTC". Held is why a person has
	// to decide.
	Waiting string `json:"waiting,omitempty"`
	Held    string `json:"held,omitempty"`
	Gates   []Gate `json:"gates,omitempty"`
}

// Gate is one gate of a trial.
type Gate struct {
	Name    string           `json:"name"`
	Verdict v1alpha1.Verdict `json:"verdict"`
	Message string           `json:"message,omitempty"`
	// Evidence against the revision, of Limit at which it fails; both 0 where the
	// gate is no test of counts.
	Evidence float64 `json:"evidence,omitempty"`
	Limit    float64 `json:"limit,omitempty"`
	// Candidate and Stable are the numbers of both: "0.4% of 812", or "182ms".
	Candidate string `json:"candidate,omitempty"`
	Stable    string `json:"stable,omitempty"`
}

// ForTrial explains a trial of an App.
func ForTrial(app *v1alpha1.App, t *v1alpha1.Trial) Trial {
	e := Trial{
		Revision: t.Revision, Ref: t.Ref, Share: t.Ref != app.Spec.ProductionRef, Weight: t.Weight, Step: t.Step, Steps: t.Steps,
		Since: t.Since.Time, Requests: t.Requests, MinRequests: t.MinRequests, Waiting: t.Waiting, Held: t.Held,
	}
	if t.Next != nil {
		e.At = t.Next.Time
	}
	if !e.Share {
		e.Next = next(app, t)
	}
	// A ramp takes hundreds of steps, and a soak is one without weight.
	if rule := app.Spec.RuleFor(t.Ref); rule == nil || rule.Canary == nil || len(rule.Canary.Steps) == 0 {
		e.Step, e.Steps = 0, 0
	}
	for i := range t.Gates {
		e.Gates = append(e.Gates, forGate(&t.Gates[i]))
	}
	return e
}

// next is the weight that a candidate gets with its next step, out of what shares
// leave; 0 where it rises steadily.
func next(app *v1alpha1.App, t *v1alpha1.Trial) int32 {
	rest := int32(v1alpha1.Whole)
	for _, other := range app.Status.Trials {
		if other.Ref != app.Spec.ProductionRef {
			rest -= other.Weight
		}
	}
	rule := app.Spec.RuleFor(t.Ref)
	switch {
	case rule == nil || rule.Canary == nil:
		return rest
	case int(t.Step) < len(rule.Canary.Steps):
		return max(rule.Canary.Steps[t.Step]*rest/v1alpha1.Whole, 1)
	case len(rule.Canary.Steps) > 0:
		return rest
	}
	return 0
}

func forGate(g *v1alpha1.GateStatus) Gate {
	e := Gate{Name: g.Name, Verdict: g.Verdict, Message: g.Message, Candidate: tallyText(g.Candidate), Stable: tallyText(g.Stable)}
	// A number that cannot be read is none: the verdict says what follows.
	evidence, err := strconv.ParseFloat(g.Evidence, 64)
	limit, limitErr := strconv.ParseFloat(g.Limit, 64)
	if err == nil && limitErr == nil && limit > 1 && !math.IsNaN(evidence) {
		e.Evidence, e.Limit = evidence, limit
	}
	return e
}

// tallyText is what a gate has counted of a revision, in words.
func tallyText(t *v1alpha1.Tally) string {
	switch {
	case t == nil:
		return ""
	case t.Micros > 0:
		return Brief(time.Duration(t.Micros) * time.Microsecond)
	case t.Requests == 0:
		return "no request"
	}
	part := 100 * float64(t.Bad) / float64(t.Requests)
	return strconv.FormatFloat(part, 'g', max(2, len(strconv.Itoa(int(part)))), 64) + "% of " + grouped(t.Requests)
}

// Brief is a time in three digits.
func Brief(d time.Duration) string {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit).String()
}

// Filled is how far the evidence is on its way to the limit, from 0 to 1, on a
// scale of logarithms: in the middle, the chance of it with a good version is the
// root of that at the end.
func (g Gate) Filled() float64 {
	if g.Limit <= 1 || g.Evidence <= 1 {
		return 0
	}
	return min(math.Log(g.Evidence)/math.Log(g.Limit), 1)
}

// Bar is the evidence as text of so many characters between brackets; empty where
// the gate is no test of counts.
func (g Gate) Bar(width int) string {
	if g.Limit == 0 {
		return ""
	}
	n := int(g.Filled() * float64(width))
	return fmt.Sprintf("[%s%s]", strings.Repeat("#", n), strings.Repeat(" ", width-n))
}

// Amount is the evidence and its limit as text; empty where the gate is no test of
// counts.
func (g Gate) Amount() string {
	if g.Limit == 0 {
		return ""
	}
	format := "%.0f"
	if g.Evidence < 10 {
		format = "%.1f"
	}
	if g.Evidence >= 1e6 {
		format = "%.0e"
	}
	return fmt.Sprintf(format+" of %.0f", g.Evidence, g.Limit)
}

// Line is how far the trial is.
func (t Trial) Line(now time.Time) string {
	var b strings.Builder
	b.WriteString(t.Revision + " at " + v1alpha1.Percent(t.Weight))
	if t.Steps > 0 {
		fmt.Fprintf(&b, ", step %d of %d", t.Step, t.Steps)
	}
	fmt.Fprintf(&b, " for %s", Age(t.Since, now))
	if t.Next > 0 {
		fmt.Fprintf(&b, "; next %s", v1alpha1.Percent(t.Next))
		if t.At.After(now) {
			fmt.Fprintf(&b, " in %s", Age(now, t.At))
		}
	}
	if t.MinRequests > 0 {
		fmt.Fprintf(&b, "; %s of %s", grouped(min(t.Requests, t.MinRequests)), number(t.MinRequests, "request"))
	}
	return b.String()
}
