package source

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/diagnose"
	"github.com/headway-dev/headway/reconciler/render"
)

// restartPause is the least time between two restarts for a Secret or ConfigMap
// that has changed: something may write to one all the time.
const restartPause = time.Minute

// lookPause is how often is looked whether a Deployment of somebody else is gone,
// which nothing tells.
const lookPause = time.Minute

// seen is what was observed of a Source and its surroundings: the input of decide.
type seen struct {
	source *v1alpha1.Source
	// channel that it names; nil when there is none.
	channel *v1alpha1.Channel
	// deployment that has the name of the source's, whoever made it; nil when there
	// is none.
	deployment *appsv1.Deployment
	// pods of the source.
	pods []corev1.Pod
	// references are the Secrets and ConfigMaps of its variables, as far as they
	// exist.
	references []v1alpha1.ReferenceVersion
	// incomplete: some of them do not exist.
	incomplete bool
}

// plan is what to do about a Source.
type plan struct {
	// deployment to have; nil: the one that there is stays as it is.
	deployment *appsv1.Deployment
	// remove the one that there is.
	remove bool
	// state of the condition Ready; nil: the status is somebody else's.
	state *condition.State
	// again is when time alone will change something; 0 is never.
	again time.Duration
}

// decide is pure. The first row that fits wins:
//
//	it is no container source: its Deployment goes     the status is eventing's
//	somebody else has a Deployment of the name         False    NameConflict
//	the channel is missing: a Deployment stays         False    ChannelNotFound
//	the channel has no URL yet                         Unknown  Waiting
//	it is paused: no pod                               False    Paused
//	a pod has run for render.SourceSteady              True     Taking
//	Kubernetes makes no pod, or it will not run        False    why
//	a pod is on its way                                Unknown  Starting
func decide(s seen, now time.Time) plan {
	owned := s.deployment != nil && metav1.IsControlledBy(s.deployment, s.source)
	if s.source.Spec.Container == nil {
		return plan{remove: owned}
	}
	only := func(state condition.State) plan { return plan{state: &state} }
	switch name := s.source.Spec.Channel; {
	case s.deployment != nil && !owned:
		state := condition.False(v1alpha1.ReasonNameConflict, fmt.Sprintf(
			"deployment %s is there and is not this source's; delete it, or give the source another name", s.deployment.Name))
		return plan{state: &state, again: lookPause}
	case s.channel == nil:
		return only(condition.False(v1alpha1.ReasonChannelNotFound, fmt.Sprintf("channel %q does not exist", name)))
	case s.channel.Status.URL == "":
		return only(condition.Unknown(v1alpha1.ReasonWaiting, fmt.Sprintf("channel %q is being opened", name)))
	}
	mark, again := startWith(s, now)
	wanted := render.SourceDeployment(s.source, s.channel.Status.URL, mark)
	state := stateOf(s, wanted)
	return plan{deployment: wanted, state: &state, again: again}
}

// stateOf says how the pods of a source do that shall have this Deployment.
func stateOf(s seen, wanted *appsv1.Deployment) condition.State {
	if s.source.Spec.Paused {
		return condition.False(v1alpha1.ReasonPaused, "")
	}
	if steady(s.deployment, wanted) {
		return condition.True(v1alpha1.ReasonTaking, "")
	}
	found := diagnose.Finding{Reason: v1alpha1.ReasonStarting, Message: "the pod is being made"}
	var newest *corev1.Pod
	for i := range s.pods {
		pod := &s.pods[i]
		if pod.DeletionTimestamp == nil && (newest == nil || newest.CreationTimestamp.Before(&pod.CreationTimestamp)) {
			newest = pod
		}
	}
	if newest != nil {
		found = diagnose.Source(s.source, newest)
	}
	if s.deployment != nil && !found.Failed {
		if message, stuck := diagnose.Deployment(s.deployment, len(s.pods)); stuck {
			return condition.False(v1alpha1.ReasonStartFailed, message+"; "+found.Message)
		}
	}
	if found.Failed {
		return condition.False(found.Reason, found.Message)
	}
	return condition.Unknown(found.Reason, found.Message)
}

// steady reports whether Kubernetes runs what is wanted, and has for
// render.SourceSteady.
func steady(live, wanted *appsv1.Deployment) bool {
	return render.UpToDate(live, wanted) && live.Status.ObservedGeneration >= live.Generation &&
		live.Status.UpdatedReplicas > 0 && live.Status.AvailableReplicas > 0
}

// startWith is the mark of the versions of Secrets and ConfigMaps that the pod
// starts with. What runs, runs on with what it has while one of them is gone, and
// for restartPause.
func startWith(s seen, now time.Time) (mark string, again time.Duration) {
	if len(s.references) > 0 {
		content, _ := json.Marshal(s.references) // cannot fail: strings
		hash := sha256.Sum256(content)
		mark = hex.EncodeToString(hash[:8])
	}
	if s.deployment == nil {
		return mark, 0
	}
	has := s.deployment.Spec.Template.Annotations[v1alpha1.AnnotationStartedWith]
	if mark == has || len(s.source.Spec.Container.References()) == 0 {
		return mark, 0
	}
	if s.incomplete {
		return has, 0
	}
	for i := range s.pods {
		if wait := restartPause - now.Sub(s.pods[i].CreationTimestamp.Time); wait > 0 {
			return has, wait
		}
	}
	return mark, 0
}
