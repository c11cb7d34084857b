package promotion

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/test/scenario"
)

// TestScenarios plays testdata/*.txt: each line that does not begin with a
// blank is a moment and what is so from then on, and what is decided follows,
// indented: events behind an asterisk, then who serves, who waits for what, and
// when to look next. The words of a moment are those of world.change; "run" plays
// all that happens until then by itself.
func TestScenarios(t *testing.T) {
	scenario.Play(t, play)
}

// epoch is a Wednesday.
var epoch = time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)

func play(t *testing.T, script []string) string {
	w := newWorld(t)
	var out strings.Builder
	for _, line := range script {
		out.WriteString(line)
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		moment, words, _ := strings.Cut(strings.TrimSpace(line), " ")
		at, err := time.ParseDuration(moment)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if words == "run" {
			w.run(epoch.Add(at), &out)
			continue
		}
		w.pass(epoch.Add(at))
		for command := range strings.SplitSeq(words, ";") {
			w.change(strings.Fields(command))
		}
		d := w.look()
		tellEvents(&out, "", d)
		out.WriteString("  " + tell(d) + next(d) + "\n")
	}
	return out.String()
}

// numbers of requests change with every look.
var numbers = regexp.MustCompile(`\d+ of \d+ requests`)

// run plays what happens by itself until a time, and writes what changes.
func (w *world) run(until time.Time, out *strings.Builder) {
	last, grain := "", 10*time.Second
	if until.Sub(w.in.Now) > 6*time.Hour || w.rate == 0 {
		grain = 10 * time.Minute
	}
	for w.in.Now.Before(until) {
		every := grain
		if w.wakes > 0 {
			every = min(every, w.wakes)
		}
		at := w.in.Now.Add(every)
		if at.After(until) {
			at = until
		}
		w.pass(at)
		d := w.look()
		moment := at.Sub(epoch).String() + ": "
		line := tell(d)
		same := numbers.ReplaceAllString(line, "")
		if same != last && last != "" || len(d.Events) > 0 || at.Equal(until) {
			tellEvents(out, moment, d)
			out.WriteString("  " + moment + line + next(d) + "\n")
		}
		last = same
	}
}

func tellEvents(out *strings.Builder, moment string, d Decision) {
	for _, e := range d.Events {
		fmt.Fprintf(out, "  %s* %s %s: %s\n", moment, e.Reason, e.Revision, e.Message)
	}
}

func next(d Decision) string {
	if d.Next > 0 {
		return fmt.Sprintf(", next in %s", d.Next)
	}
	return ""
}

// tell is a decision in one line.
func tell(d Decision) string {
	line := "nothing"
	if live := Live(d.Traffic); live != "" {
		line = live
		if w := weight(d.Traffic, live); w != v1alpha1.Whole {
			line += " " + v1alpha1.Percent(w)
		}
	}
	for _, target := range d.Traffic {
		if target.Salt != "" && target.Weight > 0 {
			line += fmt.Sprintf(", %s %s", target.Revision, v1alpha1.Percent(target.Weight))
		}
		if target.Budget > 0 {
			line += fmt.Sprintf(" (budget %d)", target.Budget)
		}
	}
	for _, m := range d.Matches {
		line += fmt.Sprintf(", %s %v", m.Revision, m.Header)
	}
	if d.Mirror != nil {
		line += fmt.Sprintf(", copies of %s to %s", v1alpha1.Percent(d.Mirror.Weight), d.Mirror.Revision)
	}
	for _, r := range d.Roles {
		if r.Coming > 0 {
			line += fmt.Sprintf(", %s gets %s", r.Name, v1alpha1.Percent(r.Coming))
		}
		switch r.Role {
		case v1alpha1.RoleKept:
			line += ", keep " + r.Name
		case v1alpha1.RoleQuarantined:
			line += fmt.Sprintf(", never %s: %s", r.Name, r.Message)
		}
	}
	for _, trial := range d.Trials {
		if trial.Held != "" {
			line += fmt.Sprintf(", %s is held: %s", trial.Revision, trial.Held)
		}
		if trial.Waiting != "" {
			line += fmt.Sprintf(", %s waits %s", trial.Revision, trial.Waiting)
		}
	}
	if c := d.Commit; c != nil {
		line += fmt.Sprintf(", %s on %s to %s", c.Action, c.Branch, c.Commit)
	}
	if d.Failing != "" {
		line += ", failing: " + d.Failing
	}
	return line
}
