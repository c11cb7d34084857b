package feedback

import (
	"fmt"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

// request adds what is to be said about one request, by its state:
//
//	Previewed            statuses of each app, the comment, the deployment
//	Approval, Waiting    pending, with what it waits for
//	Invalid              failure, with file, line and column
//	Queued               statuses of its builds
//	all others           nothing, but that a comment which is there is told so
func (v *view) request(r *v1alpha1.RequestStatus) {
	previews := v.previews(r)
	switch r.State {
	case v1alpha1.RequestQueued:
		v.queued(r)
		return
	case v1alpha1.RequestApproval, v1alpha1.RequestWaiting:
		v.tell(r.Commit, "", true, v.whole(contextPreview, forge.Pending, r))
	case v1alpha1.RequestInvalid:
		v.tell(r.Commit, "", true, v.whole(contextSpec, forge.Failure, r))
	case v1alpha1.RequestPreviewed:
		v.previewed(r, previews)
	}
	if r.Number > 0 {
		v.tell(r.Commit, "", true)
		v.comment(r, previews)
	}
}

// whole is a status of the request, and not of one of its apps.
func (v *view) whole(context string, state forge.State, r *v1alpha1.RequestStatus) Status {
	s := status(state, string(r.State), r.Message)
	s.Context, s.URL = context, r.URL
	return s
}

func (v *view) previewed(r *v1alpha1.RequestStatus, previews []preview) {
	builds, ready := group{kind: contextBuild, done: "built", url: r.URL}, group{kind: contextPreview, done: "ready", url: r.URL}
	builds.many = len(r.Previews) > maxOwn
	ready.many = builds.many
	attempt := ""
	for _, p := range previews {
		builds.add(p.app.Spec.Preview.App, p.build)
		ready.add(p.app.Spec.Preview.App, p.ready)
		attempt += retried(p.revision)
	}
	v.tell(r.Commit, attempt, true, append(ready.statuses(len(r.Previews)), builds.statuses(len(r.Previews))...)...)
	if len(r.Previews) > 1 || r.Number == 0 { // more deployments than one do not fit into maxWrites
		return
	}
	for _, p := range previews {
		d := Deployment{Commit: r.Commit}
		d.Environment = fmt.Sprintf("preview/pr-%d-%s", r.Number, p.app.Spec.Preview.App)
		if p.ready.State == forge.Success {
			d.Ref, d.State, d.URL = r.Commit, string(forge.Success), p.app.Status.URL
		}
		v.wanted.Deployments = append(v.wanted.Deployments, d)
	}
}

// queued tells of the builds of a merge queue's commit: of each app that the
// repository has, as the queue may wait for any of them.
func (v *view) queued(r *v1alpha1.RequestStatus) {
	builds := group{kind: contextBuild, done: "built", url: r.URL}
	attempt := ""
	for i := range v.Apps {
		app := &v.Apps[i]
		if app.Spec.Preview != nil || app.DeletionTimestamp != nil {
			continue
		}
		var rev *v1alpha1.Revision
		for _, h := range app.Spec.Heads {
			if h.Ref == r.Ref && h.Commit == r.Commit {
				rev = v.revisions[h.Revision]
			}
		}
		builds.add(app.Name, built(app, rev, r.Commit))
		attempt += retried(rev)
	}
	builds.many = len(builds.own) > maxOwn
	v.tell(r.Commit, attempt, true, builds.statuses(len(builds.own))...)
}
