package explain

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Rule is a rule of release in words.
type Rule struct {
	// Refs is the glob of the rule; empty where none names the ref.
	Refs string `json:"refs,omitempty"`
	// Kind is instant, canary, bluegreen or share.
	Kind string `json:"kind"`
	// Traffic says how the traffic moves, and when at the earliest.
	Traffic string `json:"traffic"`
	// Moves are the same as numbers.
	Moves []Move `json:"moves"`
	// Gates that it must not fail; empty: none.
	Gates string `json:"gates,omitempty"`
	// OnFail says what happens when it fails one.
	OnFail string `json:"onFail,omitempty"`
	// Before says what has to be so before the first move: an approval, a job.
	Before string `json:"before,omitempty"`
	// Freeze are the times in which nothing goes forward.
	Freeze []string `json:"freeze,omitempty"`
}

// Move is a weight, and when a revision gets it.
type Move struct {
	// Weight in basis points. That of a candidate is a part of what shares leave.
	Weight int32 `json:"weight"`
	// Seconds after the beginning, at the earliest.
	Seconds int64 `json:"seconds"`
	// Requests of the revision that must arrive before it, at the weight before.
	Requests int64 `json:"requests,omitempty"`
}

// ForRule explains a rule; nil is what holds without one: the newest version of
// production takes all of the traffic at once.
func ForRule(r *v1alpha1.Rule) Rule {
	if r == nil {
		return Rule{Kind: "instant", Traffic: "100% as soon as it is ready", Moves: []Move{{Weight: v1alpha1.Whole}}}
	}
	e := Rule{Refs: r.Refs, Gates: gates(r), Freeze: r.Freeze, Before: beforeFirst(r)}
	e.moves(r)
	if r.Mirror > 0 {
		e.Traffic += fmt.Sprintf("; before that, a copy of %s of the requests", v1alpha1.Percent(r.Mirror))
	}
	if e.Gates != "" {
		e.OnFail = onFail[r.OnFail]
	}
	return e
}

var onFail = map[v1alpha1.OnFail]string{
	"":                      "back to 0%, and the commit is quarantined",
	v1alpha1.OnFailRollback: "back to 0%, and the commit is quarantined",
	v1alpha1.OnFailRevert:   "back to 0%, the commit is quarantined, and Headway reverts it in git",
	v1alpha1.OnFailHold:     "back to 0% on strong evidence; where it is doubtful, it stays at its step until a person decides",
}

// moves fills in the kind of a rule, and how traffic moves by it.
func (e *Rule) moves(r *v1alpha1.Rule) {
	all := Move{Weight: v1alpha1.Whole}
	switch {
	case !r.Ends():
		e.Kind, e.Traffic, e.Moves = "share", share(r), []Move{{Weight: r.Weight}}
	case r.BlueGreen != nil:
		all.Seconds = int64(r.BlueGreen.Soak.Seconds())
		e.Kind, e.Moves = "bluegreen", []Move{all}
		e.Traffic = fmt.Sprintf("100%% at once, after %s of checks at its own URL; the version before stays warm for %s", Span(r.BlueGreen.Soak.Duration), Span(r.BlueGreen.Keep.Duration))
	case r.Canary != nil && r.Canary.Ramp.Duration > 0:
		all.Seconds = int64(r.Canary.Ramp.Seconds())
		e.Kind, e.Moves = "canary", []Move{all}
		e.Traffic = fmt.Sprintf("rises steadily to 100%% within %s", Span(r.Canary.Ramp.Duration))
	case r.Canary != nil:
		e.Kind, e.Moves = "canary", steps(r)
		e.Traffic = stepsText(e.Moves)
	default:
		e.Kind, e.Traffic, e.Moves = "instant", "100% as soon as it is ready", []Move{all}
	}
}

// steps of a canary, the last to all of the traffic.
func steps(r *v1alpha1.Rule) []Move {
	var all []Move
	for i, weight := range append(slices.Clone(r.Canary.Steps), v1alpha1.Whole) {
		m := Move{Weight: weight, Seconds: int64(i) * int64(r.Canary.Every.Seconds())}
		if i > 0 && r.Gates != nil {
			m.Requests = r.Gates.MinRequests
		}
		all = append(all, m)
	}
	return all
}

func stepsText(moves []Move) string {
	var words []string
	for i, m := range moves {
		text := v1alpha1.Percent(m.Weight)
		after := Span(time.Duration(m.Seconds) * time.Second)
		switch {
		case i == 0:
			text += " at once"
		case i == len(moves)-1:
			text += " after " + after + " at the earliest"
		case i == 1 && m.Requests > 0:
			text += fmt.Sprintf(" after %s and %s", after, number(m.Requests, "request"))
		default:
			text += " after " + after
		}
		words = append(words, text)
	}
	return strings.Join(words, ", ")
}

// share is what a branch has until it is merged or deleted.
func share(r *v1alpha1.Rule) string {
	var parts []string
	if r.Weight > 0 {
		parts = append(parts, v1alpha1.Percent(r.Weight)+" of the traffic")
	}
	if r.Match != nil {
		parts = append(parts, "the requests with "+matching(r.Match))
	}
	text := strings.Join(parts, ", and ") + ", until the branch is merged or deleted"
	if p := r.Promote; p != nil {
		text += fmt.Sprintf("; %s is moved forward to it after %s without a failed gate", p.To, Span(p.After.Duration))
	}
	return text
}

func matching(m *v1alpha1.Match) string {
	var words []string
	if m.Method != "" {
		words = append(words, "method "+m.Method)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Header)) {
		words = append(words, fmt.Sprintf("header %s: %s", name, m.Header[name]))
	}
	for _, name := range slices.Sorted(maps.Keys(m.Cookie)) {
		words = append(words, fmt.Sprintf("cookie %s=%s", name, m.Cookie[name]))
	}
	return strings.Join(words, ", ")
}

// gates in words; empty where there are none.
func gates(r *v1alpha1.Rule) string {
	g := r.Gates
	if g == nil {
		return ""
	}
	var words []string
	if g.Errors > 0 {
		words = append(words, fmt.Sprintf("errors at most %s", millionths(g.Errors)))
	}
	if g.Quantile > 0 {
		words = append(words, fmt.Sprintf("p%d at most %s", g.Quantile, Span(g.Within.Duration)))
	}
	if len(words) > 0 {
		words = []string{strings.Join(words, " and ")}
		if !g.Alone {
			words[0] += ", or no worse than the live version"
		}
	}
	switch {
	case g.MinRequests == 0:
	case r.Canary != nil && len(r.Canary.Steps) > 0:
		words = append(words, number(g.MinRequests, "request")+" in each step")
	case r.Canary != nil || r.Promote != nil:
		words = append(words, number(g.MinRequests, "request")+" at least")
	}
	if g.Budget > 0 {
		words = append(words, "at most "+number(int64(g.Budget), "bad answer")+" in all")
	}
	if g.HTTP != "" {
		words = append(words, "2xx from "+g.HTTP)
	}
	if g.Prometheus != nil {
		words = append(words, fmt.Sprintf("%s at most %s", g.Prometheus.Query, g.Prometheus.Max))
	}
	if g.Alpha > 0 {
		words = append(words, fmt.Sprintf("a good version fails with a chance of %s", millionths(g.Alpha)))
	}
	return strings.Join(words, "; ")
}

// beforeFirst is what a rule asks for before the first user.
func beforeFirst(r *v1alpha1.Rule) string {
	var words []string
	if r.Gates != nil && len(r.Gates.Job) > 0 {
		words = append(words, "its job succeeds: "+strings.Join(r.Gates.Job, " "))
	}
	if r.Approve {
		words = append(words, "its commit is approved by a tag (headway approve)")
	}
	return strings.Join(words, ", and ")
}

// Row is one line of what is said about something.
type Row struct{ Title, Text string }

// Rows of a rule, those that say something.
func (e Rule) Rows() []Row {
	name := fmt.Sprintf("%s (%s)", e.Refs, e.Kind)
	if e.Refs == "" {
		name = e.Kind + ", as no rule of release is for it"
	}
	return filled(Row{"Rule", name}, Row{"Traffic", e.Traffic}, Row{"Before", e.Before}, Row{"Gates", e.Gates},
		Row{"On fail", e.OnFail}, Row{"Freeze", strings.Join(e.Freeze, "; ")})
}

func filled(rows ...Row) []Row {
	return slices.DeleteFunc(rows, func(r Row) bool { return r.Text == "" })
}

// Span is a time without the units that are 0: 2m, 1h30m.
func Span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// millionths are parts per million in percent.
func millionths(n int64) string { return strconv.FormatFloat(float64(n)/1e4, 'f', -1, 64) + "%" }

// number is a count with the thing that is counted: "1 request", "15,400
// requests".
func number(n int64, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return grouped(n) + " " + thing
}

// grouped is a number with a comma between thousands.
func grouped(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
