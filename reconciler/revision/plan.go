package revision

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/diagnose"
	"github.com/headway-dev/headway/reconciler/probe"
	"github.com/headway-dev/headway/reconciler/render"
)

// Plan is what a reconciliation does.
type Plan struct {
	// Status to write, if it differs from the one observed.
	Status v1alpha1.RevisionStatus
	// Deployment to apply; nil while there is no image.
	Deployment *appsv1.Deployment
	// Standby is the Deployment of the parked pods to apply; nil where there is
	// none, and none is wanted.
	Standby *appsv1.Deployment
	// RequeueAfter is when time alone may change the plan; 0 is never.
	RequeueAfter time.Duration

	// ask are the containers to ask whether they take requests.
	ask []probe.Target
	// look are the pods of which it is to be found out what they listen on.
	look []corev1.Pod
	// outdated are woken pods to delete; see outdated.
	outdated []corev1.Pod
	// dropStandby removes a standby that can be made no longer.
	dropStandby bool
	build
}

// PlanFor decides what to do about a revision. It is pure.
func PlanFor(seen Seen, now time.Time) Plan {
	rev := seen.Revision
	p := Plan{Status: *rev.Status.DeepCopy(), build: planBuild(seen, now)}
	s := &p.Status
	s.ObservedGeneration = rev.Generation
	s.State, s.Build = p.state, p.status

	var readiness condition.State
	if p.state == v1alpha1.StateBuilt {
		s.Image, s.ImageConfig, s.URL = p.image, p.config, seen.URL
		readiness = p.planRuntime(seen, now)
	} else {
		s.Replicas, s.Standby = 0, nil
		p.RequeueAfter = p.again
		readiness = notBuilt(p.build)
	}
	if s.State == v1alpha1.StateReady && !s.EverReady {
		s.EverReady, s.FirstStart = true, seen.firstStart(now)
	}
	set := func(kind string, state condition.State) {
		condition.Set(&s.Conditions, kind, state, rev.Generation, now)
	}
	set(v1alpha1.ConditionBuilt, p.built)
	set(v1alpha1.ConditionReady, readiness)
	set(v1alpha1.ConditionServing, serving(rev, seen.role()))
	return p
}

// notBuilt is the readiness of a revision without an image.
func notBuilt(b build) condition.State {
	switch b.state {
	case v1alpha1.StateSuperseded:
		return condition.False(v1alpha1.ReasonSuperseded, b.built.Message)
	case v1alpha1.StateFailed:
		return condition.False(v1alpha1.ReasonNotBuilt, b.built.Message)
	default:
		return condition.Unknown(v1alpha1.ReasonNotBuilt, b.built.Message)
	}
}

func serving(rev *v1alpha1.Revision, role *v1alpha1.RevisionRole) condition.State {
	if role == nil || role.Weight == 0 {
		return condition.False(v1alpha1.ReasonNoTraffic, "")
	}
	return condition.True(v1alpha1.ReasonReceivingTraffic, fmt.Sprintf("takes %s of the traffic of %s", v1alpha1.Percent(role.Weight), rev.Spec.App))
}

// planRuntime renders the Deployments and judges the pods.
func (p *Plan) planRuntime(seen Seen, now time.Time) condition.State {
	rev := seen.Revision
	if p.Status.SameAs = seen.sameAs(p.image); p.Status.SameAs != "" {
		p.Status.State, p.Status.Replicas, p.Status.Standby = v1alpha1.StateSame, 0, nil
		return condition.True(v1alpha1.ReasonSameAsLive, p.Status.SameAs+" runs the same image with the same settings, and serves for it")
	}
	if state, wait := seen.unprepared(); wait {
		p.Status.Replicas, p.Status.Standby = 0, nil
		if state.Status == metav1.ConditionFalse {
			p.Status.State, state.Message = v1alpha1.StateFailed, about(rev, state.Message)
		}
		return state
	}
	with, again := startWith(seen, now)
	p.Status.StartedWith = with
	mark := markOf(with)
	var err error
	if p.Deployment, err = render.Deployment(rev, p.image, p.config, mark); err != nil {
		p.Status.State, p.Status.Replicas, p.Status.Standby = v1alpha1.StateFailed, 0, nil
		return condition.False(v1alpha1.ReasonStartFailed, about(rev, err.Error()))
	}
	running, parked := split(seen.Pods)
	p.Status.LastCrash = diagnose.LastCrash(rev, running, now)
	p.ask, p.look = seen.toAsk(running), toLookAt(running, now)
	readiness := p.judge(seen, running, now)
	p.planStandby(seen, p.config, parked)
	p.outdated = outdated(running, parked, mark, p.Standby)
	p.RequeueAfter = apply.Sooner(p.RequeueAfter, again)
	return p.tellRestart(seen, running, mark, readiness, now)
}

// judge says whether the pods that run the application are enough, and if not,
// why.
func (p *Plan) judge(seen Seen, running []corev1.Pod, now time.Time) condition.State {
	rev := seen.Revision
	n, expires := seen.count(running, now)
	p.Status.Replicas = n
	asked := podsAsked(seen.Deployment) + wokenPods(running)
	enough := max(1, min(rev.Spec.Scale.Min, asked))
	switch {
	case asked == 0 && rev.Status.EverReady:
		p.Status.State = v1alpha1.StateIdle
		return condition.True(v1alpha1.ReasonIdle, "no pod runs; a request starts one")
	case n >= enough:
		p.Status.State, p.RequeueAfter = v1alpha1.StateReady, expires
		return condition.True(v1alpha1.ReasonRunning, podCount(n))
	case seen.Deployment == nil:
		return condition.Unknown(v1alpha1.ReasonStarting, "the image is there; starting pods")
	}
	found, again := seen.diagnose(running, now)
	p.RequeueAfter = again
	if message, stuck := diagnose.Deployment(seen.Deployment, len(running)); stuck && !found.Failed {
		if len(running) > 0 {
			message += ": " + found.Message
		}
		found = diagnose.Finding{Failed: true, Reason: v1alpha1.ReasonStartFailed, Message: message}
	}
	if found.Failed {
		p.Status.State = v1alpha1.StateFailed
		return condition.False(found.Reason, about(rev, found.Message))
	}
	message := found.Message
	if rev.Status.EverReady && found.Passing {
		// Each step would be a write that every activator and autoscaler
		// hears of, while the machine should start the pod.
		message = "a pod is starting"
	}
	if enough > 1 {
		message = fmt.Sprintf("%d of %d pods are ready; %s", n, enough, message)
	}
	if rev.Status.EverReady {
		p.Status.State = v1alpha1.StateWaking
		return condition.True(found.Reason, message)
	}
	p.Status.State = v1alpha1.StateStarting
	return condition.Unknown(found.Reason, message)
}

// podsAsked is the number of pods that a Deployment asks for.
func podsAsked(d *appsv1.Deployment) int32 {
	if d == nil || d.Spec.Replicas == nil {
		return 1 // the API's default
	}
	return *d.Spec.Replicas
}

func podCount(n int32) string {
	if n == 1 {
		return "1 pod is ready"
	}
	return fmt.Sprintf("%d pods are ready", n)
}

// refuse turns an answer of the API server that asking again will not change
// into a condition: on the build while there is no image, on the pods after.
func (p *Plan) refuse(rev *v1alpha1.Revision, err error, now time.Time) {
	message := about(rev, "Kubernetes refuses it: "+diagnose.OneLine(err.Error()))
	if p.Status.State == v1alpha1.StateQueued {
		condition.Set(&p.Status.Conditions, v1alpha1.ConditionBuilt, condition.Unknown(v1alpha1.ReasonQueued, message), rev.Generation, now)
		condition.Set(&p.Status.Conditions, v1alpha1.ConditionReady, condition.Unknown(v1alpha1.ReasonNotBuilt, message), rev.Generation, now)
		return
	}
	p.Status.State = v1alpha1.StateFailed
	condition.Set(&p.Status.Conditions, v1alpha1.ConditionReady, condition.False(v1alpha1.ReasonStartFailed, message), rev.Generation, now)
}

// refuseStandby says, without any harm to the revision, that the API server does
// not take its standby.
func (p *Plan) refuseStandby(err error) {
	if p.Status.Standby != nil {
		p.Status.Standby.Problem = "Kubernetes refuses it: " + diagnose.OneLine(err.Error())
	}
}

// changed says how an event announces the move from one status to the next:
// the condition whose status moved, or the reason of one that is False. The
// bool is false where nothing worth telling did; that a revision falls idle and
// wakes is not.
func changed(before, after v1alpha1.RevisionStatus, kind string) (condition.State, bool) {
	was, is := condition.Get(before.Conditions, kind), condition.Get(after.Conditions, kind)
	switch is.Status {
	case metav1.ConditionTrue:
		return is, was.Status != is.Status
	case metav1.ConditionFalse:
		return is, was.Status != is.Status || was.Reason != is.Reason
	}
	return is, false
}
