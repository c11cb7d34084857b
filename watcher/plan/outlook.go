package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Outlook is the preview that an app of a branch would have.
type Outlook struct {
	App string
	// Name of the preview, as far as it is known: for a request that has no number
	// yet, <app>-pr-<n>.
	Name string
	// Public: the host is the name alone.
	Public bool
	// Env are the variables that it would run with, without those in Link, which
	// have the URL of another app.
	Env  []v1alpha1.EnvVar
	Link map[string]string
	// Unset are variables that production has and the preview would not have, and
	// Secrets those of which it would get others.
	Unset   []string
	Secrets map[string]string
	// Reduced are amounts of which it would get less than the branch asks for.
	Reduced []v1alpha1.Reduction
	// Problem is why it would have none.
	Problem *Problem
	// Template it is built by, "" where it has an image; SameSource: it would need
	// no build, as the app's files are those of production.
	Template   string
	SameSource bool
}

// Outlooks are the previews that a branch would have, by the files of the
// production branch and its own. base is the commit that the branch began from; nil
// where that is not known. An app that it does not change, or that has no
// previews, is not in it. branch is a short name.
func Outlooks(production, head, base *Snapshot, branch string, fork bool) []Outlook {
	f := Facts{Production: production, ProductionRef: headsPrefix + "?"}
	r := &Request{RequestStatus: v1alpha1.RequestStatus{Ref: headsPrefix + branch, Commit: head.Commit, Fork: fork}, Head: head}
	if base != nil {
		r.Began = Base{}
		r.Began.Add(base)
	}
	var out []Outlook
	for _, was := range f.previewed() {
		is := head.App(was.Name)
		o := Outlook{App: was.Name, Public: was.Spec.Preview.Public, Name: was.Name + "-pr-<n>"}
		if was.Spec.Preview.Names(branch) {
			o.Name, _ = f.openNames().of(was.Name, r)
		}
		switch {
		case is == nil && head.broken(was.Name, was.File):
			o.Problem = head.brokenBy(was.Name, was.File)
		case is == nil || !f.touches(r, was, is):
			continue
		case fork && was.Spec.Preview.NoForks:
			o.Problem = NewProblem(v1alpha1.ReasonNotAllowed, "%s: a fork gets no previews, as preview.forks is never", was.File)
		default:
			o.fill(is, was, fork)
		}
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b Outlook) int { return cmp.Compare(a.App, b.App) })
	return out
}

func (o *Outlook) fill(is, was *Candidate, fork bool) {
	t := restrict(is, was, fork)
	if len(t.refused) > 0 {
		o.Problem = &Problem{v1alpha1.ReasonNotAllowed, t.refused.Error()}
	}
	o.Env, o.Unset, o.Reduced, o.Link = t.spec.Env, t.unset, t.reduced, was.Spec.Preview.Link
	slices.SortFunc(o.Env, func(a, b v1alpha1.EnvVar) int { return cmp.Compare(a.Name, b.Name) })
	o.SameSource = is.key == was.key && !fork
	if is.App.Build != nil {
		o.Template = is.App.Build.Template
		o.SameSource = o.SameSource && was.App.Build != nil && o.Template == was.App.Build.Template && maps.Equal(is.App.Build.Args, was.App.Build.Args)
	}
	for _, e := range is.Spec.Env {
		if to := was.Spec.Preview.Secrets[secretOf(e)]; to != "" {
			if o.Secrets == nil {
				o.Secrets = map[string]string{}
			}
			o.Secrets[secretOf(e)] = to
		}
	}
}

func secretOf(e v1alpha1.EnvVar) string {
	if e.Secret == nil {
		return ""
	}
	return e.Secret.Name
}

// String is the outlook in one line, for logs and tests.
func (o Outlook) String() string {
	if o.Problem != nil {
		return fmt.Sprintf("%s: %s", o.App, o.Problem.Message)
	}
	return fmt.Sprintf("%s as %s, without [%s]", o.App, o.Name, strings.Join(o.Unset, " "))
}
