package autoscaler

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/kubelet"
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
	out := &v1alpha1.App{ObjectMeta: kubelet.SlimMeta(app.ObjectMeta)}
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

func slimPod(in any) (any, error) {
	if pod, ok := in.(*corev1.Pod); ok {
		return kubelet.Slim(pod), nil
	}
	return in, nil
}
