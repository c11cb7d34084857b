package feedback

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/election"
	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// gather is how long changes are gathered before the forge is told: those that
	// follow from one push come within milliseconds of each other.
	gather = 300 * time.Millisecond
	// concurrency is how many forges are told at once; most of the time is waiting.
	concurrency = 16
)

// Setup adds the reconciler to a manager. index is the name of the field index that
// finds Apps and Revisions by the name of their Repository.
func Setup(mgr ctrl.Manager, leader *election.Leader, forges Forges, index string) error {
	r := &Reconciler{
		client: mgr.GetClient(), forges: forges, index: index,
		log: slog.Default().With("component", "feedback"), now: time.Now,
		memories: map[types.NamespacedName]*remembered{},
	}
	err := ctrl.NewControllerManagedBy(mgr).
		Named("feedback").
		Watches(&v1alpha1.Repository{}, gathered(repositoryOf)).
		Watches(&v1alpha1.App{}, gathered(repositoryOf)).
		Watches(&v1alpha1.Revision{}, gathered(repositoryOf)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: concurrency,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](time.Second, 5*time.Minute),
		}).
		Complete(leader.Reconciler(r))
	if err != nil {
		return fmt.Errorf("setting up what tells forges: %w", err)
	}
	return nil
}

// repositoryOf is the Repository that an object belongs to.
func repositoryOf(o client.Object) types.NamespacedName {
	name := types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
	switch o := o.(type) {
	case *v1alpha1.App:
		name.Name = o.Spec.Repository
	case *v1alpha1.Revision:
		name.Name = o.Spec.Repository
	}
	return name
}

// gathered asks for a Repository a moment after an object of it has changed in what
// is told.
func gathered(of func(client.Object) types.NamespacedName) handler.EventHandler {
	type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]
	add := func(o client.Object, q queue) {
		q.AddAfter(reconcile.Request{NamespacedName: of(o)}, gather)
	}
	return handler.Funcs{
		CreateFunc:  func(_ context.Context, e event.CreateEvent, q queue) { add(e.Object, q) },
		DeleteFunc:  func(_ context.Context, e event.DeleteEvent, q queue) { add(e.Object, q) },
		GenericFunc: func(_ context.Context, e event.GenericEvent, q queue) { add(e.Object, q) },
		UpdateFunc: func(_ context.Context, e event.UpdateEvent, q queue) {
			if !equality.Semantic.DeepEqual(told(e.ObjectOld), told(e.ObjectNew)) {
				add(e.ObjectNew, q)
			}
		},
	}
}

// told is what of an object may be told. Numbers that change with each report are
// left out, such as those of gates and pods.
func told(o client.Object) any {
	type about struct {
		Generation int64
		Deleted    bool
		Retried    string
		States     []condition.State
		Status     any
	}
	a := about{Generation: o.GetGeneration(), Deleted: o.GetDeletionTimestamp() != nil, Retried: o.GetAnnotations()[v1alpha1.AnnotationRetriedAt]}
	switch o := o.(type) {
	case *v1alpha1.Repository:
		a.Status = []any{o.Status.Requests, o.Status.Apps, o.Status.Commit}
	case *v1alpha1.Revision:
		a.States = states(o.Status.Conditions, v1alpha1.ConditionBuilt, v1alpha1.ConditionReady)
		a.Status = []any{o.Status.Image, o.Status.Build, o.Status.SameAs}
	case *v1alpha1.App:
		a.States = states(o.Status.Conditions, v1alpha1.ConditionReady, v1alpha1.ConditionPrepared, v1alpha1.ConditionPromoting)
		a.Status = []any{o.Status.URL, o.Status.Live, places(o)}
	}
	return a
}

// place of a revision: what it is there for, and how far.
type place struct {
	Name string
	Role v1alpha1.Role
	Step int32
}

func places(app *v1alpha1.App) []place {
	var all []place
	for _, role := range app.Status.Revisions {
		p := place{Name: role.Name, Role: role.Role}
		if t := app.Status.Trial(role.Name); t != nil {
			p.Step = t.Step
		}
		all = append(all, p)
	}
	return all
}

// states are conditions without their messages.
func states(conditions []metav1.Condition, kinds ...string) []condition.State {
	var all []condition.State
	for _, kind := range kinds {
		s := condition.Get(conditions, kind)
		s.Message = ""
		all = append(all, s)
	}
	return all
}
