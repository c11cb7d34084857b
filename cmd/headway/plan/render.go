package plan

import (
	"fmt"
	"io"
	"strings"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	planner "github.com/headway-dev/headway/watcher/plan"
)

// summary is an outcome in a few words.
var summary = map[Outcome]string{
	Unchanged:  "nothing changes",
	Ruled:      "no new version, but what headway.yaml says of its traffic changes",
	Subscribed: "no new version, but its subscriptions change",
	Builds:     "a new version, which is built",
	Reuses:     "a new version, without a build",
	Runs:       "a new version, with the image that is given",
	Returns:    "a version that is there already",
	Refused:    "refused; what is live stays",
	Removed:    "goes away",
}

// write is a paragraph for each app.
func (p *Plan) write(w io.Writer, paint cli.Paint) {
	what := fmt.Sprintf("A push of %s to %s", v1alpha1.ShortRef(p.Ref), p.Remote)
	if p.Uncommitted {
		what += ", with the changes that are in no commit yet"
	}
	if v1alpha1.ShortRef(p.Ref) != p.Production {
		what += fmt.Sprintf("; production is %s, and the rules are those that stand there", p.Production)
	}
	_, _ = fmt.Fprintln(w, what+".")
	if p.Unasked != "" {
		_, _ = fmt.Fprintln(w, paint.Dim("Compared with what this clone knows of "+p.Remote+", as no cluster has said what is live: "+cli.Printable(p.Unasked, 200)))
	}
	if len(p.Apps) == 0 {
		_, _ = fmt.Fprintln(w, "\nThere is no headway.yaml; headway init writes one.")
	}
	for _, a := range p.Apps {
		a.write(w, paint)
	}
	for _, section := range []struct {
		title   string
		changes []Change
	}{{"Channels", p.Channels}, {"Sources", p.Sources}} {
		if len(section.changes) > 0 {
			_, _ = fmt.Fprintf(w, "\n%s\n", paint.Bold(section.title))
			grid(w, []explain.Row{{Title: "Changed", Text: lines(section.changes)}})
		}
	}
	if p.Topology != "" {
		_, _ = fmt.Fprintf(w, "\n%s\n", paint.Bold("Topology"))
		for line := range strings.Lines(p.Topology) {
			_, _ = fmt.Fprintln(w, "  "+cli.Printable(strings.TrimRight(line, "\n"), 1000))
		}
	}
	if len(p.Warnings) > 0 {
		_, _ = fmt.Fprintf(w, "\n%s\n", paint.Bold("Warnings"))
		for _, warning := range p.Warnings {
			_, _ = fmt.Fprintln(w, "  "+cli.Printable(warning, 1000))
		}
	}
}

func (a *App) write(w io.Writer, paint cli.Paint) {
	name := a.App
	if name == "" {
		name = a.File
	}
	colour := paint.Green
	switch a.Outcome {
	case Unchanged:
		colour = paint.Dim
	case Refused, Removed:
		colour = paint.Red
	}
	_, _ = fmt.Fprintf(w, "\n%s: %s\n", paint.Bold(name), colour(summary[a.Outcome]))
	rows := []explain.Row{{Title: "Why", Text: a.Problem}, {Title: "Changed", Text: planner.FirstFew(a.Changed)}, {Title: "Revision", Text: a.Revision}, {Title: "Image", Text: a.Image}}
	if a.Rule != nil && a.Rule.Kind == urlOnly {
		rows = append(rows, explain.Row{Title: "Traffic", Text: a.Rule.Traffic})
	} else if a.Rule != nil {
		rows = append(rows, a.Rule.Rows()...)
	}
	rows = append(rows, a.Preview.rows()...)
	rows = append(rows, explain.Row{Title: "Sources", Text: lines(a.Sources)}, explain.Row{Title: "Events", Text: lines(a.Subscriptions)})
	rows = append(rows, explain.Row{Title: "Waits for", Text: strings.Join(a.Waits, "\n")}, explain.Row{Title: "Replaces", Text: a.Replaces})
	if a.Outcome != Unchanged {
		rows = append(rows, explain.Row{Title: "Live now", Text: a.Live})
	}
	grid(w, rows)
}

func grid(w io.Writer, rows []explain.Row) {
	var g cli.Grid
	for _, r := range rows {
		title := "  " + r.Title
		for line := range strings.Lines(r.Text) {
			g.Row(cli.Plain(title), cli.Plain(cli.Printable(strings.TrimRight(line, "\n"), 1000)))
			title = ""
		}
	}
	g.Write(w)
}
