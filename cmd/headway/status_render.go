package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// view is how a state is shown.
type view struct {
	paint paint
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
		v.repositories(s.Repositories).write(w)
		_, _ = fmt.Fprintln(w, "\nNo app yet.")
	} else {
		v.writeApps(w, s.Apps, s.Revisions)
	}
	v.writeProblems(w, s)
}

// writeApps is one line per app.
func (v view) writeApps(w io.Writer, apps []v1alpha1.App, revisions []v1alpha1.Revision) {
	var g grid
	titles := []string{"APP", "STATE", "TRAFFIC", "PODS", "LIVE FOR", "URL"}
	if v.namespace == "" {
		titles = append([]string{"NAMESPACE"}, titles...)
	}
	g.header(titles...)
	for _, app := range apps {
		var cells []cell
		if v.namespace == "" {
			cells = append(cells, plain(app.Namespace))
		}
		g.row(append(cells, plain(app.Name), v.state(app.Status.Conditions), plain(traffic(app.Status)),
			plain(podsOf(app, revisions)), plain(since(app.Status.LiveSince, v.now)), plain(orDash(app.Status.URL)))...)
	}
	g.write(w)
}

// writeApp is the head of one app and its revisions.
func (v view) writeApp(w io.Writer, app *v1alpha1.App, revisions []v1alpha1.Revision) {
	var head grid
	head.row(plain("App"), cell{app.Name, v.paint.bold})
	head.row(plain("URL"), plain(orDash(app.Status.URL)))
	if len(app.Status.Hosts) > 0 {
		head.row(plain("Hosts"), plain(strings.Join(app.Status.Hosts, ", ")))
	}
	for _, b := range app.Status.Branches {
		head.row(plain("Branch"), plain(fmt.Sprintf("%s: %s %s", shortRef(b.Ref), b.URL, b.Revision)))
	}
	head.row(plain("State"), v.state(app.Status.Conditions))
	head.row(plain("Traffic"), plain(traffic(app.Status)))
	v.writeScaling(&head, app, revisions)
	v.writeStandby(&head, app, revisions)
	v.writeRestarted(&head, app, revisions)
	if app.Spec.Pin != "" {
		head.row(plain("Pinned"), plain(app.Spec.Pin))
	}
	head.row(plain("Source"), plain(fmt.Sprintf("%s in repository %s, %s", app.Spec.Path, app.Spec.Repository, shortRef(app.Spec.ProductionRef))))
	head.write(w)
	_, _ = fmt.Fprintln(w)
	if len(revisions) == 0 {
		_, _ = fmt.Fprintln(w, "No revision yet.")
		return
	}
	var g grid
	g.header("REVISION", "TRAFFIC", "STATE", "PODS", "REF", "AGE", "SUBJECT")
	for _, r := range revisions {
		g.row(plain(r.Name), v.weight(r.Status.Weight), v.revisionState(r), plain(pods(r.Status.Replicas, r.Status.Parked)),
			plain(shortRef(r.Spec.Ref)), plain(age(r.CreationTimestamp.Time, v.now)), plain(printable(r.Spec.Subject, 50)))
	}
	g.write(w)
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
		reason := v.paint.red(c.Reason)
		if c.Status == metav1.ConditionUnknown {
			reason = v.paint.yellow(c.Reason)
		}
		_, _ = fmt.Fprintf(w, "%s %s: %s\n%s", kind, v.paint.bold(name), reason, body(c.Message))
	}
	for i := range s.Repositories {
		r := &s.Repositories[i]
		for _, c := range repositoryProblems(r) {
			if c.Type == v1alpha1.ConditionReady || v.app == "" {
				problem("repository", r, c)
			}
		}
	}
	for i := range s.Apps {
		a := &s.Apps[i]
		for _, kind := range []string{v1alpha1.ConditionSpecValid, v1alpha1.ConditionReady} {
			if c := bad(a.Status.Conditions, kind); c != nil && (v.app != "" || !toldByRepository(s, a, c)) {
				problem("app", a, c)
			}
		}
	}
	if v.app != "" {
		v.revisionProblems(s.Revisions, problem)
	}
}

// repositoryProblems are why a repository cannot be read, what is wrong with a
// headway.yaml in it, and what of it is left out, the worst first.
func repositoryProblems(r *v1alpha1.Repository) []*metav1.Condition {
	var all []*metav1.Condition
	for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionSpecValid, v1alpha1.ConditionComplete} {
		if c := bad(r.Status.Conditions, kind); c != nil {
			all = append(all, c)
		}
	}
	return all
}

// toldByRepository is true for a problem of an app's file that its
// repository's condition, which is printed before, repeats word by word.
func toldByRepository(s *state, a *v1alpha1.App, c *metav1.Condition) bool {
	for _, r := range s.Repositories {
		if r.Namespace != a.Namespace || r.Name != a.Spec.Repository || c.Type != v1alpha1.ConditionSpecValid {
			continue
		}
		told := bad(r.Status.Conditions, v1alpha1.ConditionSpecValid)
		return told != nil && strings.Contains(told.Message, c.Message)
	}
	return false
}

// revisionProblems are those of failed builds and starts, with the build's log,
// and what those wait for that have neither failed nor come up.
func (v view) revisionProblems(revisions []v1alpha1.Revision, problem func(string, metav1.Object, *metav1.Condition)) {
	for i := range revisions {
		r := &revisions[i]
		built := bad(r.Status.Conditions, v1alpha1.ConditionBuilt)
		ready := bad(r.Status.Conditions, v1alpha1.ConditionReady)
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
func (v view) state(conditions []metav1.Condition) cell {
	c := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	if c == nil {
		return cell{"Pending", v.paint.yellow}
	}
	switch c.Status {
	case metav1.ConditionTrue:
		return cell{c.Reason, v.paint.green}
	case metav1.ConditionFalse:
		return cell{c.Reason, v.paint.red}
	}
	return cell{c.Reason, v.paint.yellow}
}

// revisionState is what a revision is about: its build until that is done,
// then its pods.
func (v view) revisionState(r v1alpha1.Revision) cell {
	built := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ConditionBuilt)
	if built == nil || built.Status == metav1.ConditionTrue {
		return v.state(r.Status.Conditions)
	}
	colour := v.paint.yellow
	switch {
	case built.Reason == v1alpha1.ReasonSuperseded:
		colour = v.paint.dim
	case built.Status == metav1.ConditionFalse:
		colour = v.paint.red
	}
	return cell{built.Reason, colour}
}

func (v view) weight(w int32) cell {
	if w == 0 {
		return cell{"-", v.paint.dim}
	}
	return cell{fmt.Sprintf("%d%%", w), v.paint.bold}
}

// bad is a condition that is False, or nil.
func bad(conditions []metav1.Condition, kind string) *metav1.Condition {
	if c := meta.FindStatusCondition(conditions, kind); c != nil && c.Status == metav1.ConditionFalse {
		return c
	}
	return nil
}

func traffic(s v1alpha1.AppStatus) string { return orDash(s.TrafficSummary) }

func since(t *metav1.MicroTime, now time.Time) string {
	if t == nil {
		return "-"
	}
	return age(t.Time, now)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// shortRef leaves the kind of a branch out.
func shortRef(ref string) string {
	return strings.TrimPrefix(strings.TrimPrefix(ref, "refs/heads/"), "refs/")
}

// body indents a message that may have several lines.
func body(message string) string {
	if message == "" {
		return ""
	}
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(message, "\n"), "\n") {
		b.WriteString("  " + printable(line, 1000) + "\n")
	}
	return b.String()
}

// printable keeps what came from a commit or a log from moving the cursor.
func printable(s string, most int) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '·'
		}
		return r
	}, s))
	if len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return string(runes)
}

// list writes "a, b and c".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
