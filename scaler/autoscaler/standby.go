package autoscaler

import (
	"cmp"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/park"
)

const (
	// callAgain is the pause between two wake calls to the same container. It
	// doubles, up to callRarely, while the pod cannot be reached.
	callAgain  = 2 * time.Second
	callRarely = time.Minute
	// startLimit is how long a woken pod may take to become ready. The startup
	// check of other pods gives them as long.
	startLimit = 120 * time.Second
)

// podState is what matters of a pod.
type podState struct {
	name     string
	uid      types.UID
	ip       string
	created  time.Time
	standby  bool   // is one of a standby, parked or woken
	woken    bool   // is labelled so
	draining bool   // is marked as about to go
	ended    bool   // was evicted, or its node went down; it will not run again
	ready    bool   // takes requests
	served   bool   // its container was ready once, so it is no parked one
	running  string // the ID of its container while that runs
	inFlight int    // requests; only of a candidate
}

// ours reports whether a pod is one of a revision's standby: one that waits there
// is made by the standby's Deployment, and one that was woken is the Revision's
// own. Whoever else has the labels is left alone.
func ours(pod *corev1.Pod, rev *v1alpha1.Revision) bool {
	owner := metav1.GetControllerOfNoCopy(pod)
	switch {
	case owner == nil:
		return false
	case owner.UID == rev.UID:
		return true
	}
	return pod.Labels[v1alpha1.LabelStandby] == v1alpha1.StandbyParked && madeBy(owner, v1alpha1.StandbyName(rev.Name))
}

// madeBy reports whether the owner is a ReplicaSet of the Deployment.
func madeBy(owner *metav1.OwnerReference, deployment string) bool {
	return owner.Kind == "ReplicaSet" && owner.APIVersion == appsv1.SchemeGroupVersion.String() &&
		strings.HasPrefix(owner.Name, deployment+"-")
}

func stateOf(pod *corev1.Pod) podState {
	s := podState{
		name: pod.Name, uid: pod.UID, ip: pod.Status.PodIP, created: pod.CreationTimestamp.Time,
		standby:  pod.Labels[v1alpha1.LabelStandby] != "",
		woken:    pod.Labels[v1alpha1.LabelStandby] == v1alpha1.StandbyWoken,
		draining: pod.Labels[v1alpha1.LabelDraining] != "",
		ended:    kubelet.Ended(pod),
		ready:    kubelet.Ready(pod),
	}
	if app := kubelet.App(pod); app != nil && app.State.Running != nil {
		s.running = app.ContainerID
		s.served = kubelet.Condition(&pod.Status, corev1.PodReady).LastTransitionTime.After(app.State.Running.StartedAt.Time)
	}
	return s
}

// standby is what is remembered of the pods of a revision's standby: what was
// done to them and may not be in the cache yet.
type standby map[types.UID]trace

// trace of one pod. The zero value is that of a pod never seen before.
type trace struct {
	woken    bool      // its application was started
	labelled bool      // it was labelled as woken
	gone     bool      // it was deleted
	called   time.Time // the last wake call ...
	running  string    // ... to this container
	missed   int       // calls to it in a row that did not reach it
	since    time.Time // it is woken and not ready; zero: it is ready
}

// standbyPlan is what is to be done with a standby, and what it counts for.
type standbyPlan struct {
	woken  []podState // those that run their application; they count as pods of the revision
	ready  int        // how many of them take requests
	parked []podState // those that can be woken, in the order in which they are

	label  []podState // woken ones that are labelled as parked
	call   []podState // woken ones whose container may be a new one, which is parked again
	remove []podState // woken ones that will not become ready
	next   time.Time  // when time alone changes this; zero: never
}

// plan says where the pods of a standby stand.
//
//	label   ready  remembered   state
//	parked  no     -            parked
//	parked  no     woken        woken; is labelled
//	parked  yes    any          woken, by an activator; is labelled
//	woken   yes    any          woken
//	woken   no     any          woken; called again, in case its container is
//	                            a new one; removed after startLimit
//	any     any    gone         does not count
//
// An activator and the autoscaler choose the pod to wake by the same order, so
// that both wake the same one if they do it at the same time.
func (s standby) plan(pods []podState, now time.Time) (standbyPlan, standby) {
	slices.SortFunc(pods, func(a, b podState) int {
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.name, b.name))
	})
	var r standbyPlan
	after := make(standby, len(pods))
	for _, pod := range pods {
		t := s[pod.uid]
		t.woken = t.woken || pod.woken || pod.ready
		switch {
		case t.gone:
		case pod.ended:
			if pod.woken { // a parked one is the Deployment's
				r.remove = append(r.remove, pod)
			}
		case t.woken:
			t = r.addWoken(pod, t, now)
		case t.callable(pod, now):
			r.parked = append(r.parked, pod)
		}
		after[pod.uid] = t
	}
	return r, after
}

// addWoken takes in a pod that runs its application.
func (r *standbyPlan) addWoken(pod podState, t trace, now time.Time) trace {
	r.woken = append(r.woken, pod)
	if !pod.woken && !t.labelled {
		r.label = append(r.label, pod)
	}
	switch {
	case pod.ready:
		r.ready++
		t.since = time.Time{}
		return t
	case pod.served: // as with other pods, it may become ready again
		t.since = time.Time{}
		return t
	case t.since.IsZero():
		t.since = now
	case now.Sub(t.since) >= startLimit:
		r.remove = append(r.remove, pod)
		return t
	}
	if t.callable(pod, now) {
		r.call = append(r.call, pod)
	}
	r.next = now.Add(callAgain)
	return t
}

// callable reports whether a wake call to a pod can be of use now.
func (t trace) callable(pod podState, now time.Time) bool {
	return pod.ip != "" && pod.running != "" && (pod.running != t.running || now.Sub(t.called) >= t.pause())
}

// pause is how long a pod is left alone after the last call.
func (t trace) pause() time.Duration {
	pause := callAgain
	for range t.missed - 1 {
		if pause *= 2; pause >= callRarely {
			return callRarely
		}
	}
	return pause
}

// note remembers something about a pod.
func (s standby) note(pod podState, change func(*trace)) {
	t := s[pod.uid]
	change(&t)
	s[pod.uid] = t
}

// noteCall remembers that a pod was called.
func (s standby) noteCall(pod podState, result park.Outcome, now time.Time) {
	s.note(pod, func(t *trace) {
		switch {
		case result != park.Unreachable:
			t.missed = 0
		case pod.running != t.running:
			t.missed = 1
		default:
			t.missed++
		}
		t.called, t.running = now, pod.running
		t.woken = t.woken || result.Runs()
	})
}
