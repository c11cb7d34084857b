//go:build integration

package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// feed is a container source in the namespace of the reconcilers; the test plays
// the eventing program and the kubelet.
type feed struct {
	*testing.T
	name string
}

// says waits until the condition Ready has this reason, and a message with this
// part.
func (f feed) says(status metav1.ConditionStatus, reason, part string) {
	f.Helper()
	eventually(f.T, f.name+" says "+reason, func() error {
		s, err := get(f.T, reconciled, f.name, &v1alpha1.Source{})
		if err != nil {
			return err
		}
		ready := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReady)
		if ready == nil || ready.Status != status || ready.Reason != reason || !strings.Contains(ready.Message, part) || ready.ObservedGeneration != s.Generation {
			return fmt.Errorf("Ready is %+v", ready)
		}
		return nil
	})
}

// deployment waits for one that fits.
func (f feed) deployment(what string, fits func(*appsv1.Deployment) bool) (d *appsv1.Deployment) {
	f.Helper()
	eventually(f.T, what, func() (err error) {
		if d, err = get(f.T, reconciled, "source-"+f.name, &appsv1.Deployment{}); err == nil && !fits(d) {
			err = fmt.Errorf("it is %+v", d.Spec)
		}
		return err
	})
	return d
}

// change merges fields into the spec; a status that is written meanwhile has it try
// again.
func (f feed) change(spec fields) {
	f.Helper()
	eventually(f.T, "the change of the source", func() error {
		s, err := get(f.T, reconciled, f.name, object("Source", f.name))
		if err != nil {
			return err
		}
		set(s, spec)
		return api.Update(f.Context(), s)
	})
}

// TestContainerSource: from the Source to its pod, and the status that says how it
// does; a pause, a Secret that changes, and another kind of source.
func TestContainerSource(t *testing.T) {
	f := feed{t, "feed"}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: "feed"}, StringData: map[string]string{"token": "one"}}
	if err := api.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	create(t, in(reconciled, object("Source", "feed", fields{
		"spec.channel": "news", "spec.extensions": map[string]any{"region": "eu"},
		"spec.container.image": "registry/feed:1",
		"spec.container.env":   []any{map[string]any{"name": "TOKEN", "secret": map[string]any{"name": "feed", "key": "token"}}},
	})))
	f.says(metav1.ConditionFalse, v1alpha1.ReasonChannelNotFound, `channel "news" does not exist`)
	news := in(reconciled, object("Channel", "news", fields{"spec": map[string]any{}}))
	create(t, news)
	f.says(metav1.ConditionUnknown, v1alpha1.ReasonWaiting, `channel "news" is being opened`)
	mustApplyStatus(t, in(reconciled, object("Channel", "news", fields{"status.url": "http://headway-events.headway-system/reconciled/news"})), "headway-eventing")

	made := f.deployment("its Deployment", func(*appsv1.Deployment) bool { return true })
	container := made.Spec.Template.Spec.Containers[0]
	for name, want := range map[string]string{
		"K_SINK": "http://headway-events.headway-system/reconciled/news", "K_CE_OVERRIDES": `{"extensions":{"region":"eu"}}`,
	} {
		if !slices.Contains(container.Env, corev1.EnvVar{Name: name, Value: want}) {
			t.Errorf("%s is not %s: %+v", name, want, container.Env)
		}
	}
	if owner := metav1.GetControllerOf(made); owner == nil || owner.Kind != "Source" || owner.Name != "feed" {
		t.Errorf("it belongs to %+v", owner)
	}
	f.says(metav1.ConditionUnknown, v1alpha1.ReasonStarting, "the pod is being made")

	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: "source-feed", Labels: made.Spec.Template.Labels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: container.Name, Image: container.Image}}},
	}
	if err := api.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: container.Name, State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: 3, Message: "the token is wrong"},
	}}}
	if err := api.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	f.says(metav1.ConditionFalse, v1alpha1.ReasonStartFailed, "the container exited with code 3; its last log lines:\nthe token is wrong")

	f.steady()
	f.says(metav1.ConditionTrue, v1alpha1.ReasonTaking, "")

	// Without a pod that has just been replaced, the next one follows a Secret at once.
	if err := api.Delete(t.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
	secret.StringData = map[string]string{"token": "two"}
	if err := api.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	mark := func(d *appsv1.Deployment) string {
		return d.Spec.Template.Annotations[v1alpha1.AnnotationStartedWith]
	}
	f.deployment("a pod with the new Secret", func(d *appsv1.Deployment) bool { return mark(d) != mark(made) })

	f.change(fields{"spec.paused": true})
	f.says(metav1.ConditionFalse, v1alpha1.ReasonPaused, "")
	f.deployment("no pod while it is paused", func(d *appsv1.Deployment) bool { return *d.Spec.Replicas == 0 })

	// Another kind is the eventing program's.
	f.change(fields{"spec.container": nil, "spec.paused": nil, "spec.cron.schedule": "0 3 * * *"})
	eventually(t, "the end of the Deployment", func() error {
		_, err := get(t, reconciled, "source-feed", &appsv1.Deployment{})
		if err == nil {
			return fmt.Errorf("it is there")
		}
		return client.IgnoreNotFound(err)
	})
}

// steady plays the controller of Deployments: the pod has run long enough.
func (f feed) steady() {
	f.Helper()
	d := f.deployment("a Deployment", func(*appsv1.Deployment) bool { return true })
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: 1, UpdatedReplicas: 1, ReadyReplicas: 1, AvailableReplicas: 1}
	if err := api.Status().Update(f.Context(), d); err != nil {
		f.Fatal(err)
	}
}

// TestContainerSourceTakesNothing: a Deployment of its name that somebody else has
// made stays as it is.
func TestContainerSourceTakesNothing(t *testing.T) {
	f := feed{t, "taken"}
	labels := map[string]string{"app": "mine"}
	mine := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: "source-taken"},
		Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "mine", Image: "mine"}}},
		}},
	}
	if err := api.Create(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	create(t, in(reconciled, object("Channel", "taken", fields{"spec": map[string]any{}})))
	mustApplyStatus(t, in(reconciled, object("Channel", "taken", fields{"status.url": "http://x/reconciled/taken"})), "headway-eventing")
	create(t, in(reconciled, object("Source", "taken", fields{"spec.channel": "taken", "spec.container.image": "registry/feed:1"})))
	f.says(metav1.ConditionFalse, v1alpha1.ReasonNameConflict, "deployment source-taken is there and is not this source's")
	f.change(fields{"spec.container": nil, "spec.cron.schedule": "0 3 * * *"})
	f.change(fields{"spec.cron": nil, "spec.container.image": "registry/feed:2"})
	f.says(metav1.ConditionFalse, v1alpha1.ReasonNameConflict, "deployment source-taken is there")
	now, err := get(t, reconciled, "source-taken", &appsv1.Deployment{})
	if apierrors.IsNotFound(err) || now.ResourceVersion != mine.ResourceVersion {
		t.Errorf("it was changed: %+v, %v", now, err)
	}
}
