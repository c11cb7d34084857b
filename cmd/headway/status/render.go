package status

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
		v.writeApp(w, &s.Apps[0], s.Revisions)
		v.writeProblems(w, s)
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
		v.repositories(s.Repositories).Write(w)
		_, _ = fmt.Fprintln(w, "\nNo app yet.")
	} else {
		v.writeApps(w, s.Apps, s.Revisions)
	}
	v.writeProblems(w, s)
}

// writeApps is one line per app.
func (v view) writeApps(w io.Writer, apps []v1alpha1.App, revisions []v1alpha1.Revision) {
	var g cli.Grid
	titles := []string{"APP", "STATE", "TRAFFIC", "PODS", "LIVE FOR", "URL"}
	if v.namespace == "" {
		titles = append([]string{"NAMESPACE"}, titles...)
	}
	g.Header(titles...)
	for _, app := range apps {
		var cells []cli.Cell
		if v.namespace == "" {
			cells = append(cells, cli.Plain(app.Namespace))
		}
		g.Row(append(cells, cli.Plain(app.Name), v.state(app.Status.Conditions), cli.Plain(traffic(app.Status)),
			cli.Plain(podsOf(app, revisions)), cli.Plain(since(app.Status.LiveSince, v.now)), cli.Plain(cli.OrDash(app.Status.URL)))...)
	}
	g.Write(w)
}

// writeApp is the head of one app and its revisions.
func (v view) writeApp(w io.Writer, app *v1alpha1.App, revisions []v1alpha1.Revision) {
	var head cli.Grid
	head.Row(cli.Plain("App"), cli.Coloured(app.Name, v.paint.Bold))
	head.Row(cli.Plain("URL"), cli.Plain(cli.OrDash(app.Status.URL)))
	if len(app.Status.Hosts) > 0 {
		head.Row(cli.Plain("Hosts"), cli.Plain(strings.Join(app.Status.Hosts, ", ")))
	}
	for _, b := range app.Status.Branches {
		head.Row(cli.Plain("Branch"), cli.Plain(fmt.Sprintf("%s: %s %s", cli.ShortRef(b.Ref), b.URL, b.Revision)))
	}
	head.Row(cli.Plain("State"), v.state(app.Status.Conditions))
	head.Row(cli.Plain("Traffic"), cli.Plain(traffic(app.Status)))
	v.writeScaling(&head, app, revisions)
	v.writeStandby(&head, app, revisions)
	v.writeRestarted(&head, app, revisions)
	if app.Spec.Pin != "" {
		head.Row(cli.Plain("Pinned"), cli.Plain(app.Spec.Pin))
	}
	head.Row(cli.Plain("Source"), cli.Plain(fmt.Sprintf("%s in repository %s, %s", app.Spec.Path, app.Spec.Repository, cli.ShortRef(app.Spec.ProductionRef))))
	head.Write(w)
	_, _ = fmt.Fprintln(w)
	if len(revisions) == 0 {
		_, _ = fmt.Fprintln(w, "No revision yet.")
		return
	}
	var g cli.Grid
	g.Header("REVISION", "TRAFFIC", "STATE", "PODS", "REF", "AGE", "SUBJECT")
	for _, r := range revisions {
		g.Row(cli.Plain(r.Name), v.weight(r.Status.Weight), v.revisionState(r), cli.Plain(pods(r.Status.Replicas, r.Status.Parked)),
			cli.Plain(cli.ShortRef(r.Spec.Ref)), cli.Plain(cli.Age(r.CreationTimestamp.Time, v.now)), cli.Plain(cli.Printable(r.Spec.Subject, 50)))
	}
	g.Write(w)
}

// writeProblems says what keeps anything from being what git asks for, each
// with the message that says what to change.
func (v view) writeProblems(w io.Writer, s *state) {
	said := false
	problem := func(kind string, o metav1.Object, c *metav1.Condition) {
		if !said {
			_, _ = fmt.Fprintln(w)
		}
		said = true
		name := o.GetName()
		if v.namespace == "" {
			name = o.GetNamespace() + "/" + name
		}
		reason := v.paint.Red(c.Reason)
		if c.Status == metav1.ConditionUnknown {
			reason = v.paint.Yellow(c.Reason)
		}
		_, _ = fmt.Fprintf(w, "%s %s: %s\n%s", kind, v.paint.Bold(name), reason, body(c.Message))
	}
	for i := range s.Repositories {
		r := &s.Repositories[i]
		for _, c := range cli.RepositoryProblems(r) {
			if c.Type == v1alpha1.ConditionReady || v.app == "" {
				problem("repository", r, c)
			}
		}
	}
	for i := range s.Apps {
		a := &s.Apps[i]
		for _, kind := range []string{v1alpha1.ConditionSpecValid, v1alpha1.ConditionReady} {
			if c := cli.False(a.Status.Conditions, kind); c != nil && (v.app != "" || !toldByRepository(s, a, c)) {
				problem("app", a, c)
			}
		}
	}
	if v.app != "" {
		v.revisionProblems(s.Revisions, problem)
	}
}

// toldByRepository is true for a problem of an app's file that its
// repository's condition, which is printed before, repeats word by word.
func toldByRepository(s *state, a *v1alpha1.App, c *metav1.Condition) bool {
	for _, r := range s.Repositories {
		if r.Namespace != a.Namespace || r.Name != a.Spec.Repository || c.Type != v1alpha1.ConditionSpecValid {
			continue
		}
		told := cli.False(r.Status.Conditions, v1alpha1.ConditionSpecValid)
		return told != nil && strings.Contains(told.Message, c.Message)
	}
	return false
}

// revisionProblems are those of failed builds and starts, with the build's log,
// and what those wait for that have neither failed nor come up.
func (v view) revisionProblems(revisions []v1alpha1.Revision, problem func(string, metav1.Object, *metav1.Condition)) {
	for i := range revisions {
		r := &revisions[i]
		built := cli.False(r.Status.Conditions, v1alpha1.ConditionBuilt)
		ready := cli.False(r.Status.Conditions, v1alpha1.ConditionReady)
		switch {
		case built != nil && built.Reason == v1alpha1.ReasonSuperseded:
		case built != nil:
			c := *built
			if b := r.Status.Build; b != nil && len(b.LastLogLines) > 0 {
				c.Message += fmt.Sprintf("\nlast lines of step %s:\n  %s", b.FailedStep, strings.Join(b.LastLogLines, "\n  "))
			}
			problem("revision", r, &c)
		case ready != nil:
			problem("revision", r, ready)
		default:
			if c := unsettled(r.Status.Conditions); c != nil && c.Message != "" {
				problem("revision", r, c)
			}
		}
	}
}

// unsettled is the condition that says how far a build or a start is; nil after
// both.
func unsettled(conditions []metav1.Condition) *metav1.Condition {
	for _, kind := range []string{v1alpha1.ConditionBuilt, v1alpha1.ConditionReady} {
		if c := meta.FindStatusCondition(conditions, kind); c != nil && c.Status == metav1.ConditionUnknown {
			return c
		}
	}
	return nil
}

// state is the reason of Ready, coloured by its status.
func (v view) state(conditions []metav1.Condition) cli.Cell {
	c := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if c == nil {
		return cli.Coloured("Pending", v.paint.Yellow)
	}
	switch c.Status {
	case metav1.ConditionTrue:
		return cli.Coloured(c.Reason, v.paint.Green)
	case metav1.ConditionFalse:
		return cli.Coloured(c.Reason, v.paint.Red)
	}
	return cli.Coloured(c.Reason, v.paint.Yellow)
}

// revisionState is what a revision is about: its build until that is done,
// then its pods.
func (v view) revisionState(r v1alpha1.Revision) cli.Cell {
	built := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionBuilt)
	if built == nil || built.Status == metav1.ConditionTrue {
		return v.state(r.Status.Conditions)
	}
	colour := v.paint.Yellow
	switch {
	case built.Reason == v1alpha1.ReasonSuperseded:
		colour = v.paint.Dim
	case built.Status == metav1.ConditionFalse:
		colour = v.paint.Red
	}
	return cli.Coloured(built.Reason, colour)
}

func (v view) weight(w int32) cli.Cell {
	if w == 0 {
		return cli.Coloured("-", v.paint.Dim)
	}
	return cli.Coloured(fmt.Sprintf("%d%%", w), v.paint.Bold)
}

func traffic(s v1alpha1.AppStatus) string { return cli.OrDash(s.TrafficSummary) }

func since(t *metav1.MicroTime, now time.Time) string {
	if t == nil {
		return "-"
	}
	return cli.Age(t.Time, now)
}

// body indents a message that may have several lines.
func body(message string) string {
	if message == "" {
		return ""
	}
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(message, "\n"), "\n") {
		b.WriteString("  " + cli.Printable(line, 1000) + "\n")
	}
	return b.String()
}
