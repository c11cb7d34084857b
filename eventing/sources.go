package eventing

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/source"
)

// sourceChannel is the field to list Sources by.
const sourceChannel = "spec.channel"

// sources has every Source run that is no container, and says how that goes.
type sources struct {
	client  client.Client
	secrets *secrets
	events  events.EventRecorder
	runner  *source.Runner
	// forget what a kind remembers of a Source that is gone.
	forget func(types.NamespacedName)
	// url is that of the ingress by which forges reach it.
	url string
	now func() time.Time
}

// Reconcile brings one source up to date, and looks again after statusPause.
func (r *sources) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var object v1alpha1.Source
	err := r.client.Get(ctx, req.NamespacedName, &object)
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("observing source %s: %w", req, err)
	}
	if err != nil || object.DeletionTimestamp != nil || source.Kind(&object.Spec) == source.Container {
		r.runner.Remove(req.NamespacedName)
		r.secrets.forget(req.NamespacedName)
		r.forget(req.NamespacedName)
		return ctrl.Result{}, nil
	}
	problem, err := r.wire(ctx, &object)
	if err != nil {
		return ctrl.Result{}, err
	}
	var progress *source.Status
	if now, ok := r.runner.Status(req.NamespacedName); ok {
		progress = &now
	}
	status := sourceStatus(&object, problem, progress, r.url, r.now())
	if equality.Semantic.DeepEqual(object.Status, status) {
		return ctrl.Result{RequeueAfter: statusPause}, nil
	}
	before := object.DeepCopy()
	object.Status = status
	if err := apply.Status(ctx, r.client, &object, before); err != nil {
		return apply.Outcome(0, err)
	}
	r.tell(before, &object)
	return ctrl.Result{RequeueAfter: statusPause}, nil
}

// wire has the runner run a source, or stop it and return why.
func (r *sources) wire(ctx context.Context, object *v1alpha1.Source) (problem condition.State, err error) {
	name := client.ObjectKeyFromObject(object)
	var to v1alpha1.Channel
	err = r.client.Get(ctx, types.NamespacedName{Namespace: object.Namespace, Name: object.Spec.Channel}, &to)
	if client.IgnoreNotFound(err) != nil {
		return condition.State{}, fmt.Errorf("observing the channel of source %s: %w", name, err)
	}
	switch {
	case object.Spec.Paused:
		problem = condition.False(v1alpha1.ReasonPaused, "paused by its spec; nothing is taken from the source")
	case err != nil || to.DeletionTimestamp != nil:
		problem = condition.False(v1alpha1.ReasonChannelNotFound, fmt.Sprintf(
			"channel %q does not exist in namespace %s; add it to channels in a headway.yaml there. Nothing is taken from the source before that", object.Spec.Channel, object.Namespace))
	default:
		config := source.Config{Name: name, UID: object.UID, Spec: *object.Spec.DeepCopy(), Position: object.Status.Position, Events: object.Status.Events}
		config.Secrets, err = r.secrets.read(ctx, object)
		var missing *missingSecret
		if err == nil {
			r.runner.Set(config)
			return condition.State{}, nil
		} else if !errors.As(err, &missing) {
			return condition.State{}, err
		}
		problem = condition.False(v1alpha1.ReasonSecretNotFound, missing.Error())
	}
	r.runner.Stop(name)
	return problem, nil
}

// tell makes an event of a source that has begun to fail.
func (r *sources) tell(before, now *v1alpha1.Source) {
	is, was := condition.Get(now.Status.Conditions, v1alpha1.ConditionReady), condition.Get(before.Status.Conditions, v1alpha1.ConditionReady)
	switch is.Reason {
	case was.Reason, v1alpha1.ReasonTaking, v1alpha1.ReasonPaused, v1alpha1.ReasonWaiting:
		return
	}
	r.events.Eventf(now, nil, corev1.EventTypeWarning, is.Reason, "Take", "%s", condition.Note(is.Message))
}

// setup adds the reconciler to the manager.
func (r *sources) setup(ctx context.Context, mgr ctrl.Manager) error {
	err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.Source{}, sourceChannel, func(o client.Object) []string {
		return []string{o.(*v1alpha1.Source).Spec.Channel}
	})
	if err != nil {
		return fmt.Errorf("indexing sources by %s: %w", sourceChannel, err)
	}
	changed := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	err = ctrl.NewControllerManagedBy(mgr).
		Named("eventsource").
		For(&v1alpha1.Source{}, changed).
		Watches(&v1alpha1.Channel{}, handler.EnqueueRequestsFromMapFunc(r.into), changed).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(r)
	if err != nil {
		return fmt.Errorf("adding the reconciler of sources: %w", err)
	}
	return nil
}

// into wakes the Sources of a Channel.
func (r *sources) into(ctx context.Context, o client.Object) (requests []reconcile.Request) {
	var l v1alpha1.SourceList
	if err := r.client.List(ctx, &l, client.InNamespace(o.GetNamespace()), client.MatchingFields{sourceChannel: o.GetName()}); err != nil {
		return nil // the cache ends
	}
	for i := range l.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&l.Items[i])})
	}
	return requests
}
