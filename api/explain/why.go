package explain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/api/window"
)

// Answer is why something has the traffic that it has.
type Answer struct {
	// About is what was asked for: "app shop", "revision shop-1a2b3c4d", "host
	// shop.example.com".
	About string `json:"about"`
	// Text is the answer in one sentence.
	Text string `json:"text"`
	// App and Revision that the answer is about; Role of the revision.
	App      string        `json:"app"`
	Revision string        `json:"revision,omitempty"`
	Role     v1alpha1.Role `json:"role,omitempty"`
	// Weight of the revision in basis points.
	Weight int32 `json:"weight"`
	// Commit of it, its subject and author, and the ref it is on.
	Commit  string `json:"commit,omitempty"`
	Subject string `json:"subject,omitempty"`
	Author  string `json:"author,omitempty"`
	Ref     string `json:"ref,omitempty"`
	// Preview that the App is; nil: it is none.
	Preview *Preview `json:"preview,omitempty"`
	// Rule that the traffic follows; nil for a preview, whose head takes all of its
	// traffic at once.
	Rule *Rule `json:"rule,omitempty"`
	// Trial with its numbers and evidence; nil: it has none.
	Trial *Trial `json:"trial,omitempty"`
	// Why is what led to this, with the evidence; it may have several lines.
	Why string `json:"why,omitempty"`
	// Waits is what it waits for, Do what a person may do.
	Waits string `json:"waits,omitempty"`
	Do    string `json:"do,omitempty"`
}

// Rows are the parts of the answer that say something, but for the sentence and
// the gates.
func (a *Answer) Rows(now time.Time) []Row {
	commit := a.Commit[:min(12, len(a.Commit))]
	for _, part := range []string{a.Subject, "(" + strings.Join(slices.DeleteFunc([]string{a.Author, v1alpha1.ShortRef(a.Ref)}, func(s string) bool { return s == "" }), ", ") + ")"} {
		if part != "" && part != "()" && commit != "" {
			commit += " " + part
		}
	}
	rows := []Row{{"Commit", commit}}
	if a.Preview != nil {
		rows = append(rows, a.Preview.Rows(now)...)
	}
	if a.Rule != nil {
		rows = append(rows, a.Rule.Rows()...)
	}
	if a.Trial != nil {
		rows = append(rows, Row{"Trial", a.Trial.Line(now)})
	}
	return filled(append(rows, Row{"Why", a.Why}, Row{"Waits", a.Waits}, Row{"To do", a.Do})...)
}

// forHead answers for the revision that should serve: the pinned one, else the
// newest.
func (s Objects) forHead(app *v1alpha1.App, now time.Time) *Answer {
	name := app.Spec.Pin
	for _, h := range app.Spec.Heads {
		if h.Ref == app.Spec.ProductionRef && name == "" {
			name = h.Revision
		}
	}
	if role := app.Status.Role(name); role != v1alpha1.RoleLive && role != "" && app.Status.Live != "" {
		a := s.forRevision(app, name, now)
		a.Text += fmt.Sprintf("; %s serves", app.Status.Live)
		return s.withProblem(app, a)
	}
	if app.Status.Live != "" {
		name = app.Status.Live
	}
	if name == "" {
		return s.withProblem(app, s.previewed(app, &Answer{App: app.Name, Text: "nothing of " + app.Name + " is live yet"}))
	}
	return s.withProblem(app, s.forRevision(app, name, now))
}

// withProblem adds why the newest commit cannot be used.
func (s Objects) withProblem(app *v1alpha1.App, a *Answer) *Answer {
	p := app.Spec.Problem
	switch {
	case p == nil:
	case p.Reason == v1alpha1.ReasonNoRelease:
		a.Waits = p.Message
	case p.Reason == v1alpha1.ReasonUnsigned:
		a.Text = fmt.Sprintf("commit %s is not used, as its signature does not count; %s", p.Commit[:min(12, len(p.Commit))], a.Text)
		a.Why, a.Do = p.Message, "push a commit that is signed"
	default:
		a.Text = fmt.Sprintf("commit %s is not used, as its headway.yaml cannot be; %s", p.Commit[:min(12, len(p.Commit))], a.Text)
		a.Why, a.Do = p.Message, "push a commit that mends its headway.yaml"
	}
	return a
}

// forRevision answers for a revision of an app, which may be gone.
func (s Objects) forRevision(app *v1alpha1.App, name string, now time.Time) *Answer {
	a := &Answer{App: app.Name, Revision: name}
	r := s.revision(name)
	if r != nil {
		a.Commit, a.Subject, a.Author, a.Ref = r.Spec.Commit, r.Spec.Subject, r.Spec.Author, r.Spec.Ref
	}
	last := deployment(app, name)
	if r == nil && last != nil {
		a.Commit, a.Subject, a.Author = last.Commit, last.Subject, last.Author
	}
	for _, h := range app.Spec.Heads {
		if h.Revision == name && (a.Ref == "" || h.Ref == app.Spec.ProductionRef || a.Ref != app.Spec.ProductionRef) {
			a.Ref = h.Ref
		}
	}
	role := app.Status.Revision(name)
	if role == nil {
		role = &v1alpha1.RevisionRole{Name: name}
	}
	a.Role, a.Weight = role.Role, role.Weight
	if t := app.Status.Trial(name); t != nil {
		e := ForTrial(app, t)
		a.Trial, a.Ref = &e, t.Ref
		a.Waits, a.Why = t.Waiting, t.Held
	}
	switch role.Role {
	case v1alpha1.RoleLive:
		a.live(app, role, last)
	case v1alpha1.RoleCandidate:
		a.candidate(app, r, now)
	case v1alpha1.RoleShare:
		a.ruled(app)
		a.Text = fmt.Sprintf("%s has %s of the traffic as the head of %s", name, v1alpha1.Percent(a.Weight), v1alpha1.ShortRef(a.Ref))
		a.Do = "merge the branch to give it all of the traffic, or delete it to end its share"
	case v1alpha1.RoleBranch:
		a.branch(app, r)
	case v1alpha1.RoleBuilt:
		a.Text = fmt.Sprintf("%s has no traffic and no pods: a merge queue tries its commit, and the merge finds its image", name)
	case v1alpha1.RoleKept:
		a.Text = fmt.Sprintf("%s served before and has no traffic now", name)
		if role.Warm {
			a.Text = fmt.Sprintf("%s served before, and is kept with its pods until %s has shown that it can", name, app.Status.Live)
		}
		a.ended(last)
		a.Do = fmt.Sprintf("headway rollback %s %s gives it all of the traffic again", app.Name, a.Commit[:min(12, len(a.Commit))])
	case v1alpha1.RoleQuarantined:
		a.ruled(app)
		a.Text = fmt.Sprintf("%s has failed and gets no traffic any more, since %s", name, at(role.Since.Time))
		a.Why = role.Message
		a.Do = fmt.Sprintf("push a commit that mends it or, if it is not at fault, headway retry %s", name)
		a.committed(app)
	case v1alpha1.RoleReplaced:
		a.Text = fmt.Sprintf("nothing wants %s any more", name)
		a.Why = role.Message
		a.ended(last)
	default:
		a.unplaced(r, last)
	}
	return s.previewed(app, a)
}

// previewed adds what an App is a preview of. Its traffic follows no rule, and
// nobody steers it.
func (s Objects) previewed(app *v1alpha1.App, a *Answer) *Answer {
	repository := s.repository(app)
	if a.Preview = ForPreview(app, repository, s.Revisions); a.Preview == nil {
		return a
	}
	a.Rule = nil
	if a.Role == v1alpha1.RoleKept {
		a.Do = ""
	}
	if r := request(repository, app); r != nil && a.Waits == "" {
		if f, ok := requestFinding(repository, r); ok {
			a.Waits = f.Text
		}
	}
	return a
}

func at(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// deployment is the newest one of a revision; nil if it was never live.
func deployment(app *v1alpha1.App, name string) *v1alpha1.Deployment {
	for i := range app.Status.Deployments {
		if app.Status.Deployments[i].Revision == name {
			return &app.Status.Deployments[i]
		}
	}
	return nil
}

// ended adds why a revision that was live went.
func (a *Answer) ended(last *v1alpha1.Deployment) {
	if last != nil && last.Until != nil {
		a.Text += fmt.Sprintf(", live until %s", at(last.Until.Time))
		if a.Why == "" {
			a.Why = last.End
		}
	}
}

// ruled adds the rule of the answer's ref.
func (a *Answer) ruled(app *v1alpha1.App) {
	rule := ForRule(app.Spec.RuleFor(a.Ref))
	a.Rule = &rule
}

func (a *Answer) live(app *v1alpha1.App, role *v1alpha1.RevisionRole, last *v1alpha1.Deployment) {
	a.ruled(app)
	a.Text = fmt.Sprintf("%s is live with %s of the traffic, since %s", a.Revision, v1alpha1.Percent(role.Weight), at(role.Since.Time))
	if last != nil && last.Cause != "" {
		a.Why = last.Cause
	}
	if app.Spec.Pin == a.Revision {
		a.Text += ", as it is pinned"
		a.Do = fmt.Sprintf("headway resume %s ends the pin", app.Name)
	}
	if c := meta.FindStatusCondition(app.Status.Conditions, v1alpha1.ConditionReady); c != nil && c.Reason == v1alpha1.ReasonSettling {
		a.Waits = c.Message
	}
}

// candidate is about a revision that should take all of the traffic and does not
// yet: by its trial or, where it has none, by how far it is.
func (a *Answer) candidate(app *v1alpha1.App, r *v1alpha1.Revision, now time.Time) {
	rule := app.Spec.RuleFor(a.Ref)
	a.ruled(app)
	a.Text = fmt.Sprintf("%s is on its way to all of the traffic, and has %s", a.Revision, v1alpha1.Percent(a.Weight))
	if a.Weight == 0 {
		a.Text = fmt.Sprintf("%s is on its way to all of the traffic, and has none yet", a.Revision)
	}
	switch {
	case r != nil && r.Status.SameAs != "" && r.Status.SameAs == app.Status.Live:
		a.Text = fmt.Sprintf("%s runs the same as %s, which is live, so that no traffic has to move", a.Revision, r.Status.SameAs)
		return
	case a.Trial != nil && a.Trial.Held != "":
		a.Do = fmt.Sprintf("headway promote %s takes it on, headway rollback %s takes it back, and a newer commit replaces it", app.Name, app.Name)
	case app.Spec.Hold:
		a.Do = fmt.Sprintf("headway resume %s ends the hold", app.Name)
	case a.Trial != nil:
	case r != nil:
		f, ok := revisionFinding(r)
		switch {
		case ok && f.Severity == Failed:
			a.Text = fmt.Sprintf("%s cannot take traffic: %s", a.Revision, f.Reason)
			a.Why, a.Do = f.Text, f.Remedy
		case ok:
			a.Waits = f.Text
		}
	}
	if rule != nil && a.Waits == "" {
		// A window that cannot be read was refused when the file was.
		if text, end, err := window.Within(rule.Freeze, now); err == nil && text != "" {
			a.Waits = fmt.Sprintf("frozen until %s by %q", at(end), text)
		}
	}
}

func (a *Answer) branch(app *v1alpha1.App, r *v1alpha1.Revision) {
	rule := app.Spec.RuleFor(a.Ref)
	a.Text = fmt.Sprintf("%s has no part of the traffic: it is the head of %s", a.Revision, v1alpha1.ShortRef(a.Ref))
	if rule == nil {
		a.Text += ", for which there is no rule"
		a.Do = fmt.Sprintf("merge the branch, or give it a share in headway.yaml: release: {%s: {weight: 10}}", v1alpha1.ShortRef(a.Ref))
	} else {
		a.ruled(app)
	}
	for _, b := range app.Status.Branches {
		if b.Ref == a.Ref {
			a.Why = "it answers at " + b.URL
		}
	}
	if r == nil {
		return
	}
	if f, ok := revisionFinding(r); ok {
		a.Why, a.Do = f.Text, f.Remedy
	}
}

// committed adds how the commit went that Headway was to make about a revision.
func (a *Answer) committed(app *v1alpha1.App) {
	c := app.Spec.Committed
	switch {
	case c == nil || c.Revision != a.Revision:
	case c.Problem != "":
		a.Do = c.Problem
	case c.Request != "":
		a.Do = fmt.Sprintf("merge %s, where Headway has reverted it", c.Request)
	case c.Branch != "":
		a.Do = fmt.Sprintf("open a pull request from %s, where Headway has reverted it", v1alpha1.ShortRef(c.Branch))
	default:
		a.Do = fmt.Sprintf("push a commit that mends it; commit %s reverts it in git", c.Commit[:min(12, len(c.Commit))])
	}
}

// unplaced is about a revision of which the App says nothing.
func (a *Answer) unplaced(r *v1alpha1.Revision, last *v1alpha1.Deployment) {
	switch {
	case r != nil:
		a.Text = a.Revision + " is new, and what it is there for is decided next"
	case last != nil:
		a.Text = a.Revision + " is not kept any more"
		a.ended(last)
	default:
		a.Text = a.Revision + " is not there yet"
	}
}
