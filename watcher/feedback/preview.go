package feedback

import (
	"cmp"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

// preview is one app of a request: its App, and the Revision of the commit that it
// is to have, which is nil until it is made.
type preview struct {
	app      *v1alpha1.App
	revision *v1alpha1.Revision
	commit   string
	// production is the App that is previewed; nil before it is merged for the
	// first time.
	production *v1alpha1.App
	// runs is the Revision whose pods serve for revision, mostly itself, and live
	// that of production; nil where there is none.
	runs, live   *v1alpha1.Revision
	build, ready Status
}

// previews of a request, those that are there already. Where the request has
// previews of its head, that is their commit, also before they know it.
func (v *view) previews(r *v1alpha1.RequestStatus) []preview {
	var all []preview
	for _, name := range r.Previews {
		app := v.apps[name]
		if app == nil || app.Spec.Preview == nil {
			continue
		}
		p := preview{app: app, production: v.apps[app.Spec.Preview.App], commit: r.Commit}
		for _, h := range app.Spec.Heads {
			if r.State != v1alpha1.RequestPreviewed || r.Message != "" {
				p.commit = h.Commit // it stays where it is
			}
			if h.Commit == p.commit {
				p.revision = v.revisions[h.Revision]
			}
		}
		p.runs = p.revision
		if p.revision != nil && p.revision.Status.SameAs != "" {
			p.runs = v.revisions[p.revision.Status.SameAs]
		}
		if p.production != nil {
			p.live = v.revisions[p.production.Status.Live]
		}
		p.build = built(app, p.revision, p.commit)
		p.ready = p.readiness()
		for _, s := range []*Status{&p.build, &p.ready} {
			s.URL = cmp.Or(app.Status.URL, r.URL)
		}
		all = append(all, p)
	}
	return all
}

// readiness is the status of the preview itself.
//
//	not built, and never will be          failure
//	not built yet                         pending
//	its setup runs, has failed            pending, failure
//	its revision has failed               failure
//	its revision serves                   success
//	anything else                         pending, with what the App waits for
func (p *preview) readiness() Status {
	app := p.app
	switch p.build.State {
	case forge.Failure:
		return status(forge.Failure, p.build.Topic, "not built: "+p.build.Description)
	case forge.Pending:
		return status(forge.Pending, "build", p.build.Description)
	}
	if p.revision == nil {
		return status(forge.Pending, "", "about to start")
	}
	if c := meta.FindStatusCondition(app.Status.Conditions, v1alpha1.ConditionPrepared); c != nil && c.Status != metav1.ConditionTrue && !p.serves() {
		state := forge.Pending
		if c.Status == metav1.ConditionFalse {
			state = forge.Failure
		}
		return status(state, c.Reason, c.Message)
	}
	if role := app.Status.Revision(p.revision.Name); role != nil && role.Role == v1alpha1.RoleQuarantined {
		return status(forge.Failure, v1alpha1.ReasonRolledBack, role.Message)
	}
	if c := meta.FindStatusCondition(p.revision.Status.Conditions, v1alpha1.ConditionReady); c != nil && c.Status == metav1.ConditionFalse {
		return status(forge.Failure, c.Reason, c.Message)
	}
	c := meta.FindStatusCondition(app.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case c != nil && c.Status == metav1.ConditionFalse:
		return status(forge.Failure, c.Reason, c.Message)
	case p.serves():
		return status(forge.Success, "", "ready")
	case c != nil:
		return status(forge.Pending, c.Reason, c.Message)
	}
	return status(forge.Pending, "", "starting")
}

// serves reports whether requests reach the revision of the request's head, or one
// that runs the same.
func (p *preview) serves() bool {
	live := p.app.Status.Live
	return live != "" && p.app.Status.URL != "" && (live == p.revision.Name || live == p.revision.Status.SameAs)
}
