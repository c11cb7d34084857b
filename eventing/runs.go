package eventing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/delivery"
)

// runs has the redrive and the replay of a Subscription done, each once for its
// name, and returns how they go. What has been done is known by the store of
// cursors and by the status; either is enough.
func (r *subscriptions) runs(ctx context.Context, object *v1alpha1.Subscription, wired wiring) (redrive, replay *v1alpha1.EventRun, err error) {
	name := client.ObjectKeyFromObject(object)
	var runs [2]*v1alpha1.EventRun
	for i, kind := range []delivery.RunKind{delivery.Redrive, delivery.Replay} {
		before := [2]*v1alpha1.EventRun{object.Status.Redrive, object.Status.Replay}[i]
		wants := r.wantedRun(object, kind)
		if wants == nil {
			r.dispatcher.StopRuns(name, kind)
			runs[i] = stoppedRun(before)
			continue
		}
		progress, begun := r.dispatcher.RunStatus(name, kind, wants.Name)
		if !begun && before != nil && before.Name == wants.Name && over(before, object) {
			r.dispatcher.StopRuns(name, kind)
			runs[i] = before
			continue
		}
		problem, err := r.startRun(ctx, object, wants, wired)
		if err != nil {
			return nil, nil, fmt.Errorf("%s %s of subscription %s: %w", kind, wants.Name, name, err)
		}
		if progress, begun = r.dispatcher.RunStatus(name, kind, wants.Name); !begun {
			progress = delivery.RunStatus{}
		}
		runs[i] = eventRun(wants.Name, problem, progress)
	}
	return runs[0], runs[1], nil
}

// over reports whether a run is not to be tried any more, by the status alone: one
// that cannot begin is tried again when the spec has changed.
func over(before *v1alpha1.EventRun, object *v1alpha1.Subscription) bool {
	return before.State == v1alpha1.RunDone || before.State == v1alpha1.RunFailed && object.Status.ObservedGeneration == object.Generation
}

// wantedRun is the run of a kind that a spec asks for; nil: none.
func (r *subscriptions) wantedRun(object *v1alpha1.Subscription, kind delivery.RunKind) *delivery.Run {
	spec := &object.Spec
	switch {
	case kind == delivery.Redrive && spec.Redrive != nil:
		return &delivery.Run{Kind: kind, Name: spec.Redrive.Name, Channel: spec.DeadLetter, Again: spec.Redrive.Again}
	case kind == delivery.Replay && spec.Replay != nil:
		return &delivery.Run{Kind: kind, Name: spec.Replay.Name, Channel: spec.Channel, From: spec.Replay.From, Until: spec.Replay.Until, Find: r.find}
	}
	return nil
}

// runProblem is why a run does not deliver. With failed it never will; else it is
// tried again.
type runProblem struct {
	message string
	failed  bool
}

// startRun begins a run, or has it go on.
func (r *subscriptions) startRun(ctx context.Context, object *v1alpha1.Subscription, run *delivery.Run, wired wiring) (runProblem, error) {
	name := client.ObjectKeyFromObject(object)
	problem := r.prepareRun(ctx, object, run, wired)
	if problem != (runProblem{}) {
		r.dispatcher.StopRuns(name, run.Kind)
		return problem, nil
	}
	err := r.dispatcher.SetRun(ctx, *run)
	var impossible *delivery.Impossible
	if errors.As(err, &impossible) {
		return runProblem{impossible.Reason, true}, nil
	}
	if err == nil && object.Spec.Paused {
		return runProblem{message: "paused by the spec of its Subscription"}, nil
	}
	return runProblem{}, err
}

// prepareRun fills in what a run needs, or returns why it cannot begin or go on.
func (r *subscriptions) prepareRun(ctx context.Context, object *v1alpha1.Subscription, run *delivery.Run, wired wiring) runProblem {
	spec := object.Spec.DeepCopy()
	filter := spec.Filter
	if run.Kind == delivery.Redrive {
		if filter = spec.Redrive.Filter; run.Channel == "" {
			return runProblem{"the Subscription has no deadLetter, so there is nothing to redrive", true}
		}
	} else if spec.Replay.Filter != nil {
		filter = spec.Replay.Filter
	}
	compiled, wrong := compileFilter(filter, string(run.Kind)+".filter")
	if wrong != "" {
		return runProblem{wrong, true}
	}
	target, elsewhere, problem := wired.target, false, wired.problem
	if replay := spec.Replay; run.Kind == delivery.Replay && (replay.App != "" || replay.Revision != "") {
		elsewhere = true
		if target, problem = r.replayTarget(ctx, object); replay.App != "" && replay.App != spec.To.App {
			// What another app answers, a preview above all, is nothing for the
			// channels of this one.
			spec.Reply, spec.DeadLetter = "", ""
		}
		spec.To = v1alpha1.EventTarget{App: target.App}
	}
	if problem != (condition.State{}) {
		return runProblem{message: problem.Message}
	}
	if wired.source == nil {
		return runProblem{message: "the Subscription has not begun"}
	}
	if _, kept := r.store.Channel(types.NamespacedName{Namespace: object.Namespace, Name: run.Channel}); !kept {
		return runProblem{message: fmt.Sprintf("channel %q is being opened", run.Channel)}
	}
	run.Subscription = delivery.Subscription{Name: client.ObjectKeyFromObject(object), Spec: *spec, Filter: compiled, Target: target}
	run.Elsewhere = elsewhere
	return runProblem{}
}

// replayTarget is where a replay goes that names an app or a revision.
func (r *subscriptions) replayTarget(ctx context.Context, object *v1alpha1.Subscription) (delivery.Target, condition.State) {
	app := object.Spec.Replay.App
	if app == "" {
		app = object.Spec.To.App
	}
	if app == "" {
		return delivery.Target{}, condition.False(v1alpha1.ReasonAppNotFound, "replay.revision is of an app, and the Subscription delivers to none; name it in replay.app")
	}
	asked := object.DeepCopy()
	asked.Spec = v1alpha1.SubscriptionSpec{Channel: object.Spec.Channel, To: v1alpha1.EventTarget{App: app, Path: object.Spec.To.Path}}
	seen, err := r.observe(ctx, asked)
	if err != nil {
		return delivery.Target{}, condition.False(v1alpha1.ReasonAppNotFound, fmt.Sprintf("looking for app %q: %v", app, err))
	}
	target, problem := resolve(asked, seen, r.activator)
	revision := object.Spec.Replay.Revision
	if problem != (condition.State{}) || revision == "" {
		return target, problem
	}
	if target.Host, err = r.revisionHost(ctx, object.Namespace, app, revision); err != nil {
		return delivery.Target{}, condition.False(v1alpha1.ReasonAppNotFound, fmt.Sprintf("looking for revision %q: %v", revision, err))
	}
	if target.Host == "" {
		return delivery.Target{}, condition.False(v1alpha1.ReasonAppNotFound, fmt.Sprintf(
			"app %q has no revision %q that has a host of its own; `headway status %s` says which there are", app, revision, app))
	}
	return target, condition.State{}
}

// revisionHost is the host that alone reaches a revision of an app, which is named,
// or of a commit; "" if there is none.
func (r *subscriptions) revisionHost(ctx context.Context, namespace, app, revision string) (string, error) {
	var route v1alpha1.Route
	if err := r.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: app}, &route); err != nil {
		return "", client.IgnoreNotFound(err)
	}
	if host := hostOf(&route, revision); host != "" {
		return host, nil
	}
	var all v1alpha1.RevisionList
	if err := r.live.List(ctx, &all, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelApp: app}); err != nil {
		return "", err
	}
	for i := range all.Items {
		one := &all.Items[i]
		if one.Name != revision && (len(revision) < minCommit || !strings.HasPrefix(one.Spec.Commit, revision)) {
			continue
		}
		if host := hostOf(&route, cmp.Or(one.Status.SameAs, one.Name)); host != "" {
			return host, nil
		}
	}
	return "", nil
}

// minCommit is how much of a commit must be named.
const minCommit = 7

// hostOf is a host of a revision by its name: its own rather than that of a ref,
// which leads to another revision with the next push.
func hostOf(route *v1alpha1.Route, revision string) (host string) {
	for _, one := range route.Spec.RevisionHosts {
		if one.Revision == revision && (host == "" || strings.HasPrefix(one.Host, revision)) {
			host = one.Host
		}
	}
	return host
}

// stoppedRun is the status of a run that the spec does not name any more.
func stoppedRun(before *v1alpha1.EventRun) *v1alpha1.EventRun {
	if before == nil || before.State == v1alpha1.RunDone || before.State == v1alpha1.RunFailed {
		return before
	}
	stopped := before.DeepCopy()
	stopped.State, stopped.Message = v1alpha1.RunWaiting, "the spec does not name it any more; named again, it goes on"
	return stopped
}

// eventRun is the status of a run. It is pure.
func eventRun(name string, problem runProblem, progress delivery.RunStatus) *v1alpha1.EventRun {
	run := &v1alpha1.EventRun{
		Name: name, State: v1alpha1.RunRunning, Message: problem.message,
		Delivered: int64(progress.Delivered), Filtered: int64(progress.Filtered), Dead: int64(progress.Dead), Left: int64(progress.Left),
		Started: second(progress.Started), Finished: second(progress.Finished),
	}
	switch {
	case run.Finished != nil:
		run.State, run.Message = v1alpha1.RunDone, ""
	case problem.failed:
		run.State = v1alpha1.RunFailed
		return run
	case problem.message != "":
		run.State = v1alpha1.RunWaiting
	case progress.LastFailure.Message != "":
		run.Message = fmt.Sprintf("the newest failure, event %s: %s", progress.LastFailure.Event, progress.LastFailure.Message)
	}
	if progress.Gone > 0 {
		run.Message = join(run.Message, fmt.Sprintf("%d events were not kept until they were delivered", progress.Gone))
	}
	run.Message = join(run.Message, progress.Note)
	return run
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// second is a time as a status has it; nil: there is none.
func second(at time.Time) *metav1.Time {
	if at.IsZero() {
		return nil
	}
	return new(metav1.NewTime(at.Truncate(time.Second)))
}

// tellRun makes an event of how a run has ended.
func (r *subscriptions) tellRun(object *v1alpha1.Subscription, what string, before, now *v1alpha1.EventRun) {
	if now == nil || before != nil && before.Name == now.Name && before.State == now.State {
		return
	}
	kind, note := corev1.EventTypeNormal, fmt.Sprintf("%s: %d events delivered, %d filtered, %d dead", now.Name, now.Delivered, now.Filtered, now.Dead)
	switch now.State {
	case v1alpha1.RunDone:
		if now.Dead > 0 {
			kind = corev1.EventTypeWarning
		}
	case v1alpha1.RunFailed:
		kind, note = corev1.EventTypeWarning, now.Name+" cannot begin: "+now.Message
	case v1alpha1.RunRunning, v1alpha1.RunWaiting:
		return
	}
	r.events.Eventf(object, nil, kind, what+string(now.State), what, "%s", condition.Note(note))
}
