package eventing

import (
	"context"
	"fmt"
	"slices"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Fields to list by.
const (
	routeHost           = "spec.hosts"
	subscriptionApp     = "spec.to.app"
	subscriptionChannel = "channels"
)

// setup adds the reconciler to the manager.
func (r *subscriptions) setup(ctx context.Context, mgr ctrl.Manager) error {
	for _, field := range []struct {
		object client.Object
		name   string
		values client.IndexerFunc
	}{
		{&v1alpha1.Route{}, routeHost, hosts},
		{&v1alpha1.Subscription{}, subscriptionApp, func(o client.Object) []string {
			return []string{o.(*v1alpha1.Subscription).Spec.To.App}
		}},
		{&v1alpha1.Subscription{}, subscriptionChannel, func(o client.Object) (names []string) {
			for _, one := range named(&o.(*v1alpha1.Subscription).Spec) {
				names = append(names, one[1])
			}
			return names
		}},
	} {
		if err := mgr.GetFieldIndexer().IndexField(ctx, field.object, field.name, field.values); err != nil {
			return fmt.Errorf("indexing %T by %s: %w", field.object, field.name, err)
		}
	}
	changed := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	err := ctrl.NewControllerManagedBy(mgr).
		Named("subscription").
		For(&v1alpha1.Subscription{}, changed).
		Watches(&v1alpha1.Channel{}, r.naming(subscriptionChannel), changed).
		Watches(&v1alpha1.Route{}, r.naming(subscriptionApp), changed).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(r)
	if err == nil {
		err = mgr.Add(r)
	}
	if err != nil {
		return fmt.Errorf("adding the reconciler of subscriptions: %w", err)
	}
	return nil
}

// hosts are those that a Route claims.
func hosts(o client.Object) []string {
	spec := &o.(*v1alpha1.Route).Spec
	all := slices.Clone(spec.Hosts)
	for _, one := range spec.RevisionHosts {
		all = append(all, one.Host)
	}
	return all
}

// naming wakes the Subscriptions that name an object, which has the name of its
// App if it is a Route.
func (r *subscriptions) naming(field string) handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) (requests []reconcile.Request) {
		var l v1alpha1.SubscriptionList
		if err := r.client.List(ctx, &l, client.InNamespace(o.GetNamespace()), client.MatchingFields{field: o.GetName()}); err != nil {
			return nil // the cache ends
		}
		for i := range l.Items {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&l.Items[i])})
		}
		return requests
	})
}
