package autoscaler

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/decide"
)

// calls stands for the pods that are called: whoever has no answer accepts.
type calls struct {
	mu      sync.Mutex
	answers map[string]error // by UID
	made    []string
}

func (c *calls) Wake(_ context.Context, _, uid string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = append(c.made, uid)
	return c.answers[uid]
}

// take returns the calls since the last look.
func (c *calls) take() []string {
	made := c.made
	c.made = nil
	return made
}

var errUnreachable = errors.New("no route to host")

// parkedWorld is a world that leads, with pods in the standby. The oldest is
// the first.
func parkedWorld(t *testing.T, replicas int32, parked ...string) (*world, *calls) {
	t.Helper()
	w := newWorld(t, replicas, v1alpha1.Scale{Max: 5, Limit: 10}) // 7 to a pod
	c := &calls{answers: map[string]error{}}
	w.Waker = c
	w.leading.Store(true)
	w.step(0, 0, 0)
	for i, name := range parked {
		w.addStandby(name, w.now.Add(time.Duration(i-60)*time.Minute))
	}
	return w, c
}

// addStandby adds a parked pod. Its UID is its name.
func (w *world) addStandby(name string, created time.Time) {
	w.t.Helper()
	pod := &corev1.Pod{ObjectMeta: meta(name)}
	pod.UID, pod.CreationTimestamp = types.UID(name), metav1.NewTime(created)
	pod.Labels = map[string]string{
		v1alpha1.LabelApp: "shop", v1alpha1.LabelRevision: shop.Name, v1alpha1.LabelStandby: v1alpha1.StandbyParked,
	}
	pod.OwnerReferences = madeByReplicaSet(v1alpha1.StandbyName(shop.Name) + "-5b7c9d")
	pod.Status.PodIP = "10.0.0.1"
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: metav1.NewTime(created)}}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: v1alpha1.AppContainer, ContainerID: "first"}}
	pod.Status.ContainerStatuses[0].State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(created)}
	if err := w.api.Create(w.t.Context(), pod); err != nil {
		w.t.Fatal(err)
	}
}

// pod changes the status of a pod as its node would.
func (w *world) pod(name string, change func(*corev1.Pod)) {
	w.t.Helper()
	pod := &corev1.Pod{}
	if err := w.api.Get(w.t.Context(), types.NamespacedName{Namespace: shop.Namespace, Name: name}, pod); err != nil {
		w.t.Fatal(err)
	}
	change(pod)
	if err := w.api.Status().Update(w.t.Context(), pod); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) ready(name string) {
	w.t.Helper()
	w.pod(name, func(pod *corev1.Pod) {
		pod.Status.Conditions[0].Status = corev1.ConditionTrue
		pod.Status.Conditions[0].LastTransitionTime = metav1.NewTime(w.now)
	})
}

// restart is a crash of the application: the container that follows is parked.
func (w *world) restart(name, container string) {
	w.t.Helper()
	w.pod(name, func(pod *corev1.Pod) {
		pod.Status.Conditions[0].Status = corev1.ConditionFalse
		pod.Status.Conditions[0].LastTransitionTime = metav1.NewTime(w.now)
		pod.Status.ContainerStatuses[0].ContainerID = container
		pod.Status.ContainerStatuses[0].State.Running.StartedAt = metav1.NewTime(w.now.Add(time.Second))
	})
}

// actOn carries out a decision.
func (w *world) actOn(t *testing.T, d decide.Decision) {
	t.Helper()
	v, err := w.observe(t.Context(), shop)
	if err == nil {
		m := w.tracker.get(shop)
		v.count(m, w.now)
		_, err = w.act(t.Context(), v, m, d, w.now)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// restartAutoscaler forgets everything.
func (w *world) restartAutoscaler() {
	w.Reconciler = &Reconciler{Client: w.api, Live: w.api, Reports: w.acts, Waker: w.Waker, Now: func() time.Time { return w.now }}
	w.leading.Store(true)
	w.stream = decide.Report{Stream: "b"}
}
