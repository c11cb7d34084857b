package feedback

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

// recent is how many of the last commits of an app the forge is asked for: the
// head, and the one before, which may have been on its way when the head came.
const recent = 2

// production adds what is to be said about the commits of production: by the apps
// that each has a revision of, and about a headway.yaml that cannot be used.
func (v *view) production() {
	type about struct {
		newest, recent   bool
		attempt          string
		builds, promoted []ofApp
	}
	commits, order := map[string]*about{}, []string{}
	at := func(sha string) *about {
		if commits[sha] == nil {
			commits[sha] = &about{}
			order = append(order, sha)
		}
		return commits[sha]
	}
	for i := range v.Apps {
		app := &v.Apps[i]
		if app.Spec.Preview != nil || app.DeletionTimestamp != nil {
			continue
		}
		if p := app.Spec.Problem; p != nil && isError(p) {
			a := at(p.Commit)
			a.newest = true
			a.builds = append(a.builds, ofApp{app.Name, built(app, nil, p.Commit)})
		}
		for n, name := range app.Spec.History {
			rev := v.revisions[name]
			if rev == nil {
				continue
			}
			a := at(rev.Spec.Commit)
			a.newest, a.recent = a.newest || n == 0, a.recent || n < recent
			a.attempt += retried(rev)
			b := built(app, rev, rev.Spec.Commit)
			b.URL = app.Status.URL
			a.builds = append(a.builds, ofApp{app.Name, b})
			if s, is := promotion(app, rev, n == 0); is {
				s.URL = app.Status.URL
				a.promoted = append(a.promoted, ofApp{app.Name, s})
			}
		}
	}
	for _, sha := range order {
		a := commits[sha]
		builds, promoted := group{kind: contextBuild, done: "built"}, group{kind: contextPromotion, done: "live"}
		builds.many = len(a.builds) > maxOwn
		promoted.many = builds.many
		for _, b := range a.builds {
			builds.add(b.app, b.Status)
		}
		for _, p := range a.promoted {
			promoted.add(p.app, p.Status)
		}
		statuses := builds.statuses(len(a.builds))
		if len(a.promoted) > 0 {
			statuses = append(promoted.statuses(len(a.builds)), statuses...)
		}
		v.tell(sha, "production "+a.attempt, a.newest, statuses...)
		v.commits[sha].Recent = v.commits[sha].Recent || a.recent
	}
	v.specFiles()
}

// specFiles tells of files that no App has, as they could never be used.
func (v *view) specFiles() {
	var errors []string
	for _, file := range v.Repository.Status.Apps {
		if app := v.apps[file.Name]; file.Error != "" && (app == nil || app.Spec.Problem == nil) {
			errors = append(errors, file.Error)
		}
	}
	if len(errors) == 0 {
		return
	}
	text := errors[0]
	if more := len(errors) - 1; more > 0 {
		text = fmt.Sprintf("%d files cannot be used; %s", len(errors), text)
	}
	s := status(forge.Failure, "", text)
	s.Context = contextSpec
	v.tell(v.Repository.Status.Commit, "", true, s)
}

// promotion is the status of a commit on its way to the traffic; false: it is not
// on it.
//
//	it has failed                            failure, with the evidence
//	it is live, or was, or runs the same     success
//	another commit came first                nothing
//	it cannot start                          failure
//	it is on trial                           pending, with the step and what it waits for
//	it is built                              pending
func promotion(app *v1alpha1.App, rev *v1alpha1.Revision, head bool) (Status, bool) {
	if meta.IsStatusConditionFalse(rev.Status.Conditions, v1alpha1.ConditionBuilt) || rev.Status.Image == "" {
		return Status{}, false
	}
	role := app.Status.Revision(rev.Name)
	wasLive := slices.ContainsFunc(app.Status.Deployments, func(d v1alpha1.Deployment) bool { return d.Revision == rev.Name })
	ready := meta.FindStatusCondition(rev.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case role != nil && role.Role == v1alpha1.RoleQuarantined:
		return status(forge.Failure, v1alpha1.ReasonRolledBack, "rolled back: "+role.Message), true
	case app.Status.Live == rev.Name, wasLive:
		return status(forge.Success, v1alpha1.ReasonLive, "live"), true
	case rev.Status.SameAs != "" && rev.Status.SameAs == app.Status.Live:
		return status(forge.Success, v1alpha1.ReasonSameAsLive, "runs the same as "+rev.Status.SameAs+", which is live"), true
	case !head:
		return Status{}, false
	case ready != nil && ready.Status == metav1.ConditionFalse:
		return status(forge.Failure, ready.Reason, ready.Message), true
	}
	if t := app.Status.Trial(rev.Name); t != nil {
		return onTrial(app, rev, t), true
	}
	return status(forge.Pending, "", "starting"), true
}

// onTrial says how far a trial is. What it waits for is told without numbers that
// change with each report.
func onTrial(app *v1alpha1.App, rev *v1alpha1.Revision, t *v1alpha1.Trial) Status {
	c := meta.FindStatusCondition(app.Status.Conditions, v1alpha1.ConditionPromoting)
	reason := "" // what ends by itself is one topic
	if c != nil && slices.Contains([]string{v1alpha1.ReasonApproval, v1alpha1.ReasonHeld, v1alpha1.ReasonFrozen}, c.Reason) {
		reason = c.Reason
	}
	e := explain.ForTrial(app, t)
	words := []string{v1alpha1.Percent(e.Weight) + " of the traffic"}
	if e.Steps > 0 {
		words = append(words, fmt.Sprintf("step %d of %d", e.Step, e.Steps))
	}
	text := strings.Join(words, ", ")
	switch {
	case reason == v1alpha1.ReasonApproval:
		text += fmt.Sprintf("; waits for its approval: headway approve %s %s", app.Name, v1alpha1.Short(rev.Spec.Commit))
	case e.Held != "":
		text += "; held: " + e.Held
	case e.At.IsZero() && e.Requests < e.MinRequests:
		text += fmt.Sprintf("; waits for %d requests", e.MinRequests)
	case e.Waiting != "":
		text += "; waits " + e.Waiting
	}
	return status(forge.Pending, fmt.Sprintf("step %d %s", e.Step, reason), text)
}
