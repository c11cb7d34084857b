package autoscaler

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// standbyOf indexes the pods of standbys by their revision.
const standbyOf = "standbyOf"

// CacheOptions keep only what decisions need in memory. The only pods in the
// cache are those of standbys.
func CacheOptions() cache.Options {
	share := true // decisions read; they change no cached object
	return cache.Options{
		DefaultTransform:             cache.TransformStripManagedFields(),
		DefaultUnsafeDisableDeepCopy: &share,
		ByObject: map[client.Object]cache.ByObject{
			&appsv1.Deployment{}: {
				Label:     labels.SelectorFromSet(labels.Set{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}),
				Transform: slimDeployment,
			},
			&v1alpha1.App{}:      {Transform: slimApp},
			&v1alpha1.Revision{}: {Transform: slimRevision},
			&corev1.Pod{}:        {Label: v1alpha1.Labelled(v1alpha1.LabelStandby), Transform: slimPod},
		},
	}
}

func slimDeployment(in any) (any, error) {
	if d, ok := in.(*appsv1.Deployment); ok {
		d.ManagedFields, d.Annotations, d.Spec.Template = nil, nil, corev1.PodTemplateSpec{}
	}
	return in, nil
}

// slimApp keeps the roles of an App's revisions.
func slimApp(in any) (any, error) {
	app, ok := in.(*v1alpha1.App)
	if !ok {
		return in, nil
	}
	out := &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{
		Name: app.Name, Namespace: app.Namespace, UID: app.UID, ResourceVersion: app.ResourceVersion,
	}}
	for _, r := range app.Status.Revisions {
		out.Status.Revisions = append(out.Status.Revisions, v1alpha1.RevisionRole{Name: r.Name, Role: r.Role, Weight: r.Weight, Coming: r.Coming, Warm: r.Warm})
	}
	return out, nil
}

func slimRevision(in any) (any, error) {
	if rev, ok := in.(*v1alpha1.Revision); ok {
		rev.ManagedFields, rev.Spec.Build = nil, nil
		rev.Spec.Env, rev.Spec.Command, rev.Spec.Args = nil, nil, nil
		rev.Status.Conditions, rev.Status.ImageConfig = nil, nil
	}
	return in, nil
}

// slimPod keeps of a pod what ours and stateOf read.
func slimPod(in any) (any, error) {
	pod, ok := in.(*corev1.Pod)
	if !ok {
		return in, nil
	}
	out := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: pod.Name, Namespace: pod.Namespace, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
		CreationTimestamp: pod.CreationTimestamp, DeletionTimestamp: pod.DeletionTimestamp,
		Labels: map[string]string{
			v1alpha1.LabelRevision: pod.Labels[v1alpha1.LabelRevision],
			v1alpha1.LabelStandby:  pod.Labels[v1alpha1.LabelStandby],
		},
	}}
	if owner := metav1.GetControllerOf(pod); owner != nil {
		out.OwnerReferences = []metav1.OwnerReference{*owner}
	}
	out.Status.Phase, out.Status.PodIP = pod.Status.Phase, pod.Status.PodIP
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			out.Status.Conditions = []corev1.PodCondition{{Type: c.Type, Status: c.Status, LastTransitionTime: c.LastTransitionTime}}
		}
	}
	for _, c := range pod.Status.ContainerStatuses {
		if c.Name == v1alpha1.AppContainer && c.State.Running != nil {
			out.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: c.Name, ContainerID: c.ContainerID, State: c.State}}
		}
	}
	return out, nil
}
