package status

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
)

// view is how a state is shown.
type view struct {
	paint cli.Paint
	now   time.Time
	// namespace is empty when the state spans all.
	namespace string
	// app is empty when the state is a whole namespace's.
	app string
}

func (s *state) write(w io.Writer, v view) {
	if v.app != "" {
		app := &s.Apps[0]
		var repository *v1alpha1.Repository
		if len(s.Repositories) > 0 {
			repository = &s.Repositories[0]
		}
		found := explain.ForApp(app, s.Revisions)
		v.writeHead(w, app, found, s.relations(app, repository, v.now))
		v.writeRevisions(w, found)
		v.writeFindings(w, append(explain.Detail(app, repository, s.Revisions), s.undelivered()...))
		return
	}
	if len(s.Repositories) == 0 && len(s.Apps) == 0 {
		where := "namespace " + v.namespace
		if v.namespace == "" {
			where = "any namespace"
		}
		_, _ = fmt.Fprintf(w, "No repository and no app in %s. headway repo add URL adds one.\n", where)
		return
	}
	if len(s.Apps) == 0 {
		v.writeRepositories(w, s.Repositories)
		_, _ = fmt.Fprintln(w, "\nNo app yet.")
	} else {
		v.writeApps(w, s)
	}
	switch n := len(s.Previews); n {
	case 0:
	case 1:
		_, _ = fmt.Fprintln(w, "and 1 preview: headway previews")
	default:
		_, _ = fmt.Fprintf(w, "and %d previews: headway previews\n", n)
	}
	v.writeFindings(w, append(explain.Overview(s.Repositories, s.Apps), s.undelivered()...))
}

// undelivered are the subscriptions that do not deliver, and the sources that take
// nothing, before somebody changes something.
func (s *state) undelivered() []explain.Finding {
	var all []explain.Finding
	for i := range s.Subscriptions {
		_, found := explain.ForSubscription(&s.Subscriptions[i])
		all = append(all, found...)
	}
	for i := range s.Sources {
		_, found := explain.ForSource(&s.Sources[i])
		all = append(all, found...)
	}
	return slices.DeleteFunc(all, func(f explain.Finding) bool { return f.Severity != explain.Failed })
}

// writeApps is one line per app.
func (v view) writeApps(w io.Writer, s *state) {
	var g cli.Grid
	titles := []string{"APP", "STATE", "TRAFFIC", "PODS", "LIVE FOR", "URL"}
	if v.namespace == "" {
		titles = append([]string{"NAMESPACE"}, titles...)
	}
	g.Header(titles...)
	for i := range s.Apps {
		app := &s.Apps[i]
		found := explain.ForApp(app, s.Revisions)
		var cells []cli.Cell
		if v.namespace == "" {
			cells = append(cells, cli.Plain(app.Namespace))
		}
		liveFor := "-"
		if since := app.Status.LiveSince; since != nil {
			liveFor = explain.Age(since.Time, v.now)
		}
		g.Row(append(cells, cli.Plain(app.Name), v.state(found.State), cli.Plain(cli.OrDash(app.Status.TrafficSummary)),
			cli.Plain(found.Pods.String()), cli.Plain(liveFor), cli.Plain(cli.OrDash(app.Status.URL)))...)
	}
	g.Write(w)
}

// relations are rows about what an app is a preview of, or which sources,
// subscriptions and previews it has.
func (s *state) relations(app *v1alpha1.App, repository *v1alpha1.Repository, now time.Time) []explain.Row {
	if p := explain.ForPreview(app, repository, s.Revisions); p != nil {
		return p.Rows(now)
	}
	var rows []explain.Row
	for i := range s.Sources {
		rows = append(rows, explain.Row{Title: "Source", Text: explain.Intake(&s.Sources[i], now)})
	}
	for i := range s.Subscriptions {
		rows = append(rows, explain.Row{Title: "Events", Text: explain.Progress(&s.Subscriptions[i], now)})
	}
	for i := range s.Previews {
		p := explain.ForPreview(&s.Previews[i], repository, s.Revisions)
		rows = append(rows, explain.Row{Title: "Preview", Text: fmt.Sprintf("%s: %s %s %s", p.Request, p.State.Word, cli.OrDash(p.URL), p.App)})
	}
	return rows
}

// writeHead is what holds for an app as a whole.
func (v view) writeHead(w io.Writer, app *v1alpha1.App, found explain.App, relations []explain.Row) {
	var head cli.Grid
	row := func(title, text string) { head.Row(cli.Plain(title), cli.Plain(text)) }
	head.Row(cli.Plain("App"), cli.Coloured(app.Name, v.paint.Bold))
	row("URL", cli.OrDash(app.Status.URL))
	if len(app.Status.Hosts) > 0 {
		row("Hosts", strings.Join(app.Status.Hosts, ", "))
	}
	for _, b := range app.Status.Branches {
		row("Branch", fmt.Sprintf("%s: %s %s", v1alpha1.ShortRef(b.Ref), b.URL, b.Revision))
	}
	for _, r := range relations {
		row(r.Title, cli.Printable(r.Text, 1000))
	}
	head.Row(cli.Plain("State"), v.state(found.State))
	row("Traffic", cli.OrDash(app.Status.TrafficSummary))
	for _, n := range found.Notes {
		row(n.Topic, cli.Printable(n.Line(v.now), 300))
	}
	if app.Spec.Pin != "" {
		row("Pinned", app.Spec.Pin)
	}
	if app.Spec.Hold {
		row("On hold", "nothing goes forward; headway resume "+app.Name+" ends it")
	}
	row("Source", fmt.Sprintf("%s in repository %s, %s", app.Spec.Path, app.Spec.Repository, v1alpha1.ShortRef(app.Spec.ProductionRef)))
	head.Write(w)
	_, _ = fmt.Fprintln(w)
}

// writeRevisions is how far those on trial are, and one line per revision.
func (v view) writeRevisions(w io.Writer, found explain.App) {
	v.writeTrials(w, found.Trials)
	if len(found.Revisions) == 0 {
		_, _ = fmt.Fprintln(w, "No revision yet.")
		return
	}
	var g cli.Grid
	g.Header("REVISION", "TRAFFIC", "STATE", "PODS", "REF", "AGE", "SUBJECT")
	for _, r := range found.Revisions {
		weight := cli.Coloured("-", v.paint.Dim)
		if r.Weight > 0 {
			weight = cli.Coloured(v1alpha1.Percent(r.Weight), v.paint.Bold)
		}
		g.Row(cli.Plain(r.Name), weight, v.state(r.State), cli.Plain(r.Pods.String()), cli.Plain(v1alpha1.ShortRef(r.Spec.Ref)),
			cli.Plain(explain.Age(r.CreationTimestamp.Time, v.now)), cli.Plain(cli.Printable(r.Spec.Subject, 50)))
	}
	g.Write(w)
}

// writeFindings is a paragraph for each, with the text that says what to change.
func (v view) writeFindings(w io.Writer, findings []explain.Finding) {
	cli.WriteFindings(w, v.paint, findings, v.namespace == "")
}

func (v view) state(s explain.State) cli.Cell { return v.paint.State(s) }
