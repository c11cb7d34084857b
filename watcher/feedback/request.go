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
//	Invalid              failure, with file, line and column; statuses of the apps
//	                     that can be previewed nevertheless
//	Queued               statuses of its builds
//	all others           nothing, but that a comment which is there is told so
//
// Previews may stay at the commit before in each of them.
func (v *view) request(r *v1alpha1.RequestStatus) {
	switch r.State {
	case v1alpha1.RequestQueued:
		v.queued(r)
	case v1alpha1.RequestApproval, v1alpha1.RequestWaiting:
		v.tell(r.Commit, "", true, v.whole(contextPreview, forge.Pending, r))
	case v1alpha1.RequestInvalid:
		v.tell(r.Commit, "", true, v.whole(contextSpec, forge.Failure, r))
	}
	if v1alpha1.InMergeQueue(r.Ref) {
		return
	}
	previews := v.previews(r)
	v.previewed(r, previews)
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

// previewed adds the statuses of the apps whose preview is, or is to be, of the
// request's head, and the deployment.
func (v *view) previewed(r *v1alpha1.RequestStatus, previews []preview) {
	builds, ready := group{kind: contextBuild, done: "built", url: r.URL}, group{kind: contextPreview, done: "ready", url: r.URL}
	builds.many = len(r.Previews) > maxOwn
	ready.many = builds.many
	attempt := ""
	for _, p := range previews {
		if p.commit == r.Commit {
			builds.add(p.app.Spec.Preview.App, p.build)
			ready.add(p.app.Spec.Preview.App, p.ready)
			attempt += retried(p.revision)
		}
	}
	if len(builds.own) > 0 {
		v.tell(r.Commit, attempt, true, append(ready.statuses(len(r.Previews)), builds.statuses(len(r.Previews))...)...)
	}
	if len(r.Previews) > 1 || r.Number == 0 { // more deployments than one do not fit into maxWrites
		return
	}
	for _, p := range previews {
		d := Deployment{Commit: r.Commit}
		d.Environment = fmt.Sprintf("preview/pr-%d-%s", r.Number, p.app.Spec.Preview.App)
		if p.ready.State == forge.Success {
			d.Ref, d.State, d.URL = p.commit, string(forge.Success), p.app.Status.URL
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
		for _, h := range app.Spec.Heads {
			if h.Ref != r.Ref || h.Commit != r.Commit {
				continue
			}
			rev := v.revisions[h.Revision]
			builds.add(app.Name, built(app, rev, r.Commit))
			attempt += retried(rev)
		}
	}
	builds.many = len(builds.own) > maxOwn
	if len(builds.own) > 0 {
		v.tell(r.Commit, attempt, true, builds.statuses(len(builds.own))...)
	}
}
