// Package index names the lookups that the reconcilers make in the manager's
// cache, so that none of them walks through all objects of a namespace.
package index

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
)

// Fields to list by.
const (
	// RevisionApp finds the Revisions of an App.
	RevisionApp = "spec.app"
	// RevisionBuilds finds the Revisions that share builds, by Revision.BuildApp.
	RevisionBuilds = "builds"
	// RevisionReference finds the Revisions whose variables come from a Secret or
	// ConfigMap, by Reference.
	RevisionReference = "spec.env"
	// RevisionWaits finds the Revisions that wait ForSlot.
	RevisionWaits = "waits"
	// RunApp finds the TaskRuns of Revisions that share builds, by
	// "namespace/app".
	RunApp = "app"
	// PodRevision finds the Pods of a Revision.
	PodRevision = "revision"
	// PodSource finds the Pods of a container Source.
	PodSource = "source"
	// RouteHost finds the Routes that claim a host, in all namespaces.
	RouteHost = "spec.hosts"
)

// ForSlot is the value of RevisionWaits of a Revision that waits for a build slot.
const ForSlot = "slot"

// App is the value of RunApp.
func App(namespace, app string) string { return namespace + "/" + app }

// Register adds the fields to the cache. It must be called once, before the
// manager starts.
func Register(ctx context.Context, indexer client.FieldIndexer) error {
	for _, field := range []struct {
		object client.Object
		name   string
		values client.IndexerFunc
	}{
		{&v1alpha1.Revision{}, RevisionApp, func(o client.Object) []string {
			return []string{o.(*v1alpha1.Revision).Spec.App}
		}},
		{&v1alpha1.Revision{}, RevisionBuilds, func(o client.Object) []string {
			return []string{o.(*v1alpha1.Revision).BuildApp()}
		}},
		{&v1alpha1.Revision{}, RevisionReference, func(o client.Object) []string {
			var objects []string
			for _, reference := range o.(*v1alpha1.Revision).Spec.References() {
				objects = append(objects, reference.Object())
			}
			return objects
		}},
		{&v1alpha1.Revision{}, RevisionWaits, func(o client.Object) []string {
			if condition.Get(o.(*v1alpha1.Revision).Status.Conditions, v1alpha1.ConditionBuilt).Reason != v1alpha1.ReasonWaitingForSlot {
				return nil
			}
			return []string{ForSlot}
		}},
		{&pipelines.TaskRun{}, RunApp, func(o client.Object) []string {
			return []string{App(o.GetLabels()[v1alpha1.LabelNamespace], o.GetLabels()[v1alpha1.LabelApp])}
		}},
		{&corev1.Pod{}, PodRevision, func(o client.Object) []string {
			return []string{o.GetLabels()[v1alpha1.LabelRevision]}
		}},
		{&corev1.Pod{}, PodSource, func(o client.Object) []string {
			return []string{o.GetLabels()[v1alpha1.LabelSource]}
		}},
		{&v1alpha1.Route{}, RouteHost, func(o client.Object) []string {
			return Hosts(o.(*v1alpha1.Route))
		}},
	} {
		if err := indexer.IndexField(ctx, field.object, field.name, field.values); err != nil {
			return fmt.Errorf("indexing %T by %s: %w", field.object, field.name, err)
		}
	}
	return nil
}

// Lookup gets an object that may not be there; then it is nil.
func Lookup[T client.Object](ctx context.Context, c client.Reader, namespace, name string, into T) (T, error) {
	var none T
	err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, into)
	if apierrors.IsNotFound(err) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("getting %T %s: %w", into, name, err)
	}
	return into, nil
}

// Claimants are the Routes that claim a host, in any namespace, without those
// that are being deleted and that of one App.
func Claimants(ctx context.Context, c client.Reader, host string, but client.Object) ([]v1alpha1.Route, error) {
	var list v1alpha1.RouteList
	if err := c.List(ctx, &list, client.MatchingFields{RouteHost: host}); err != nil {
		return nil, fmt.Errorf("listing routes of host %s: %w", host, err)
	}
	return slices.DeleteFunc(list.Items, func(r v1alpha1.Route) bool {
		return r.DeletionTimestamp != nil || r.Namespace == but.GetNamespace() && r.Name == but.GetName()
	}), nil
}

// Rivals maps a Route to the others that claim one of its hosts. A Route has the
// name of its App, so these are the names of their Apps, too.
func Rivals(c client.Reader) handler.MapFunc {
	return func(ctx context.Context, route client.Object) []reconcile.Request {
		var result []reconcile.Request
		for _, host := range Hosts(route.(*v1alpha1.Route)) {
			rivals, err := Claimants(ctx, c, host, route)
			if err != nil { // a map function has nobody to return it to
				ctrllog.FromContext(ctx).Error(err, "cannot list routes for an event")
				continue
			}
			for i := range rivals {
				result = append(result, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&rivals[i])})
			}
		}
		return result
	}
}

// Hosts are all hosts that a Route claims.
func Hosts(route *v1alpha1.Route) []string {
	hosts := append([]string(nil), route.Spec.Hosts...)
	for _, r := range route.Spec.RevisionHosts {
		hosts = append(hosts, r.Host)
	}
	return hosts
}
