package source

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/headway-dev/headway/api/election"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// Setup adds the reconciler to the manager. index.Register must have been called.
func Setup(mgr ctrl.Manager, leader *election.Leader) error {
	r := &Reconciler{
		Client: mgr.GetClient(),
		Live:   mgr.GetAPIReader(),
		// Not the manager's client: it reads these kinds past the cache.
		Metadata: mgr.GetCache(),
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.Source{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Owns(&appsv1.Deployment{}).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(sourceOfPod)).
		Watches(&v1alpha1.Channel{}, r.containersWith(func(s *v1alpha1.Source, channel string) bool {
			return s.Spec.Channel == channel
		}), builder.WithPredicates(urlChanged())).
		WatchesMetadata(&corev1.Secret{}, r.containersWith(refersTo("Secret"))).
		WatchesMetadata(&corev1.ConfigMap{}, r.containersWith(refersTo("ConfigMap"))).
		Complete(leader.Reconciler(r))
}

func sourceOfPod(_ context.Context, pod client.Object) []reconcile.Request {
	name := pod.GetLabels()[v1alpha1.LabelSource]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: pod.GetNamespace(), Name: name}}}
}

// urlChanged passes over what else a Channel's status tells every few seconds.
func urlChanged() predicate.Funcs {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.(*v1alpha1.Channel).Status.URL != e.ObjectNew.(*v1alpha1.Channel).Status.URL
	}}
}

func refersTo(kind string) func(*v1alpha1.Source, string) bool {
	return func(s *v1alpha1.Source, name string) bool {
		for _, ref := range s.Spec.Container.References() {
			if ref.Kind == kind && ref.Name == name {
				return true
			}
		}
		return false
	}
}

// containersWith maps an object to the container sources of its namespace that
// have to do with it.
func (r *Reconciler) containersWith(has func(s *v1alpha1.Source, name string) bool) handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
		var list v1alpha1.SourceList
		if err := r.Client.List(ctx, &list, client.InNamespace(o.GetNamespace())); err != nil {
			// A map function has nobody to return it to.
			ctrllog.FromContext(ctx).Error(err, "cannot list sources for an event")
			return nil
		}
		var result []reconcile.Request
		for i := range list.Items {
			if s := &list.Items[i]; s.Spec.Container != nil && has(s, o.GetName()) {
				result = append(result, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(s)})
			}
		}
		return result
	})
}
