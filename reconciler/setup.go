// Package reconciler adds all reconcilers to a manager and says what the
// manager has to keep in its cache for them.
package reconciler

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/election"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/app"
	"github.com/headway-dev/headway/reconciler/buildcache"
	"github.com/headway-dev/headway/reconciler/index"
	"github.com/headway-dev/headway/reconciler/prepull"
	"github.com/headway-dev/headway/reconciler/render"
	"github.com/headway-dev/headway/reconciler/revision"
	"github.com/headway-dev/headway/reconciler/route"
	"github.com/headway-dev/headway/reconciler/source"
	"github.com/headway-dev/headway/reconciler/trial"
)

// Options of the reconcilers.
type Options struct {
	// Leader says when this replica may act. Nil: always.
	Leader *election.Leader
	// Public is how apps and revisions are reached.
	Public address.Public
	// Builds say where builds run and where their results go.
	Builds revision.Builds
	// Park is what parked pods are made with; its image runs in the pods that pull
	// others, too.
	Park render.Park
	// Activator is the host of the activators' Service within the cluster.
	Activator string
	// Trials are how requests end.
	Trials *trial.Feed
}

// Setup adds the reconcilers of Revisions, Apps, Routes and container Sources, and
// what pulls images in advance.
func Setup(ctx context.Context, mgr ctrl.Manager, options Options) error {
	if err := index.Register(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	err := errors.Join(
		revision.Setup(ctx, mgr, options.Leader, options.Public, options.Builds, options.Park),
		app.Setup(mgr, options.Leader, options.Public, options.Trials, options.Activator),
		buildcache.Setup(mgr, options.Leader),
		prepull.Setup(mgr, options.Leader, options.Park.Image),
		route.Setup(mgr, options.Leader),
		source.Setup(mgr, options.Leader),
	)
	if err != nil {
		return fmt.Errorf("adding the reconcilers: %w", err)
	}
	return nil
}

// CacheOptions keep only Headway's own objects in memory, without the parts
// that no reconciler reads.
func CacheOptions(buildNamespace string) cache.Options {
	builds := map[string]cache.Config{buildNamespace: {}}
	ours := labels.SelectorFromSet(labels.Set{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy})
	return cache.Options{
		DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{
			&appsv1.Deployment{}: {Label: ours},
			&corev1.Pod{}:        {Label: ownPods(), Transform: slim(slimPod)},
			&corev1.Node{}:       {Transform: slim(prepull.SlimNode)},
			&corev1.Namespace{}:  {Transform: slim(grantOnly)},
			&corev1.Secret{}:     {Transform: versionOnly},
			&corev1.ConfigMap{}:  {Transform: versionOnly},
			&pipelines.TaskRun{}: {Label: ours, Namespaces: builds, Transform: slim(slimRun)},
			&pipelines.Task{}:    {Label: v1alpha1.Labelled(v1alpha1.LabelTemplate), Namespaces: builds},
		},
	}
}

// ownPods are those of revisions and sources, and those that pull images. Tekton copies the
// labels of a TaskRun to its pod.
func ownPods() labels.Selector {
	ours := labels.SelectorFromSet(labels.Set{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy})
	notBuild, _ := labels.NewRequirement(v1alpha1.LabelBuildKey, selection.DoesNotExist, nil) // cannot fail: a constant
	return ours.Add(*notBuild)
}

// slim drops parts of each object of a kind on its way into the cache.
func slim[T client.Object](drop func(T)) toolscache.TransformFunc {
	return func(in any) (any, error) {
		if object, ok := in.(T); ok {
			object.SetManagedFields(nil)
			drop(object)
		}
		return in, nil
	}
}

// slimPod keeps what tells how a pod is doing, and where. Pods are only read.
func slimPod(pod *corev1.Pod) {
	mark, marked := pod.Annotations[v1alpha1.AnnotationStartedWith]
	pod.Annotations, pod.Spec = nil, corev1.PodSpec{NodeName: pod.Spec.NodeName}
	if marked {
		pod.Annotations = map[string]string{v1alpha1.AnnotationStartedWith: mark}
	}
}

// versionOnly keeps which version of a Secret or ConfigMap there is. Only the
// metadata of them is watched, but that may hold a copy of the content: kubectl
// apply leaves one in an annotation.
func versionOnly(in any) (any, error) {
	object, ok := in.(*metav1.PartialObjectMetadata)
	if !ok {
		return nil, fmt.Errorf("%T is watched, where only metadata may be", in)
	}
	object.ObjectMeta = metav1.ObjectMeta{
		Name: object.Name, Namespace: object.Namespace, UID: object.UID, ResourceVersion: object.ResourceVersion,
	}
	return object, nil
}

// grantOnly keeps of a namespace's metadata which hosts its apps may have.
func grantOnly(namespace *metav1.PartialObjectMetadata) {
	grant, granted := namespace.Annotations[v1alpha1.AnnotationHosts]
	namespace.Labels, namespace.Annotations = nil, nil
	if granted {
		namespace.Annotations = map[string]string{v1alpha1.AnnotationHosts: grant}
	}
}

// slimRun drops the copies of the template that each TaskRun carries. TaskRuns
// are only created, patched by difference and deleted, never updated whole.
func slimRun(run *pipelines.TaskRun) {
	run.Spec.TaskSpec, run.Status.TaskSpec, run.Status.Provenance = nil, nil, nil
	delete(run.Annotations, corev1.LastAppliedConfigAnnotation)
}

// Uncached are the kinds that are read past the cache: they are many, secret,
// or needed rarely.
func Uncached() []client.Object {
	return []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}}
}

// CheckTekton reports whether Tekton Pipelines is installed, so that a missing
// one is told in one clear line.
func CheckTekton(mgr ctrl.Manager) error {
	for _, object := range []client.Object{&pipelines.Task{}, &pipelines.TaskRun{}} {
		kind, err := apiutil.GVKForObject(object, mgr.GetScheme())
		if err != nil {
			return fmt.Errorf("looking up %T in the scheme: %w", object, err)
		}
		if _, err := mgr.GetRESTMapper().RESTMapping(kind.GroupKind(), kind.Version); err != nil {
			return fmt.Errorf("looking for %s, install Tekton Pipelines first: %w", kind.GroupKind(), err)
		}
	}
	return nil
}
