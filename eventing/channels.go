package eventing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/ingress"
)

const (
	// statusPause is how often a status is brought up to date while it changes.
	statusPause = 5 * time.Second
	// sweepPause is how often events are looked for whose channel was deleted.
	sweepPause = time.Minute
)

// channels has a log for every Channel, lets events in, and says how it is doing.
type channels struct {
	client   client.Client
	events   events.EventRecorder
	store    *channel.Store
	doors    *ingress.Doors
	removals *removals
	// secrets have the keys of senders outside.
	secrets access.Secrets
	// url and outsideURL are those of the ingress.
	url, outsideURL string
	now             func() time.Time
}

// Reconcile brings one channel up to date, and looks again after statusPause.
func (r *channels) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var object v1alpha1.Channel
	err := r.client.Get(ctx, req.NamespacedName, &object)
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("observing channel %s: %w", req, err)
	}
	if err != nil || object.DeletionTimestamp != nil {
		unmeasure(req.NamespacedName, filled, accepting)
		return ctrl.Result{}, r.leave(req.NamespacedName)
	}
	log, err := r.open(ctx, &object)
	var invalid *channel.InvalidName
	if err != nil && !errors.As(err, &invalid) {
		return ctrl.Result{}, err
	}
	seen := seenChannel{invalid: invalid, unhealthy: r.store.Healthy(), refuses: r.store.Accepting()}
	if log != nil {
		seen.state = log.State()
		seen.outside = r.doors.Rule(req.NamespacedName).Check(ctx)
	}
	status := channelStatus(&object, seen, r.url, r.outsideURL, r.now())
	measureChannel(&object, &status)
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

// open has a log for a Channel, as its spec says, and lets events in.
func (r *channels) open(ctx context.Context, object *v1alpha1.Channel) (*channel.Channel, error) {
	name := client.ObjectKeyFromObject(object)
	log, err := r.store.Ensure(ctx, name, settings(&object.Spec))
	if err != nil {
		return nil, fmt.Errorf("opening channel %s: %w", name, err)
	}
	if err := r.removals.forget(name); err != nil {
		return nil, err
	}
	rule := access.NewRule(r.doors.Rule(name), object, urlOf(r.url, object), r.secrets, r.now)
	r.doors.Open(name, ingress.Door{Log: log, MaxEvent: object.Spec.MaxEvent, Rule: rule})
	return log, nil
}

// settings are what a spec asks for.
func settings(spec *v1alpha1.ChannelSpec) channel.Settings {
	s := channel.Settings{Keep: spec.Keep.Duration, Size: spec.Size.Value(), MaxEvent: spec.MaxEvent}
	if spec.Dedupe != nil {
		s.Dedupe = spec.Dedupe.Duration
	}
	return s
}

// leave refuses events to a channel whose object is deleted; sweep removes those
// that it has.
func (r *channels) leave(name types.NamespacedName) error {
	r.doors.Shut(name)
	if _, ok := r.store.Channel(name); !ok {
		return nil
	}
	return r.removals.note(name, r.now())
}

// tell makes an event of a loss that was found.
func (r *channels) tell(before, now *v1alpha1.Channel) {
	state := condition.Get(now.Status.Conditions, v1alpha1.ConditionReady)
	if state.Reason == v1alpha1.ReasonEventsLost && condition.Get(before.Status.Conditions, v1alpha1.ConditionReady) != state {
		r.events.Eventf(now, nil, corev1.EventTypeWarning, state.Reason, "Keep", "%s", condition.Note(state.Message))
	}
}

// Start opens all channels that have an object, says that these are all, and then
// removes the events of those that have had none for v1alpha1.CursorKept.
func (r *channels) Start(ctx context.Context) error {
	var all v1alpha1.ChannelList
	if err := r.client.List(ctx, &all); err != nil {
		return fmt.Errorf("listing channels: %w", err)
	}
	wanted := map[types.NamespacedName]bool{}
	for i := range all.Items {
		object := &all.Items[i]
		wanted[client.ObjectKeyFromObject(object)] = object.DeletionTimestamp == nil
		if _, err := r.open(ctx, object); err != nil {
			slog.Error("opening a channel", "channel", client.ObjectKeyFromObject(object), "error", err) // Reconcile tries again
		}
	}
	for _, name := range r.store.Names() {
		if !wanted[name] {
			if err := r.leave(name); err != nil {
				return err
			}
		}
	}
	r.doors.Ready()
	tick := time.NewTicker(sweepPause)
	defer tick.Stop()
	for {
		r.sweep(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// sweep removes what nobody can ask for any more. What fails is tried again.
func (r *channels) sweep(ctx context.Context) {
	for _, name := range r.store.Names() {
		if !r.removals.before(name, r.now().Add(-v1alpha1.CursorKept)) {
			continue
		}
		err := r.store.Remove(ctx, name)
		if err == nil {
			err = r.removals.forget(name)
		}
		if err != nil {
			slog.Error("removing the events of a channel that was deleted", "channel", name, "error", err)
			continue
		}
		slog.Info("removed the events of a channel that was deleted", "channel", name)
	}
}

// setup adds the reconciler to the manager.
func (r *channels) setup(mgr ctrl.Manager) error {
	err := ctrl.NewControllerManagedBy(mgr).
		Named("channel").
		For(&v1alpha1.Channel{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers}).
		Complete(r)
	if err == nil {
		err = mgr.Add(r)
	}
	if err != nil {
		return fmt.Errorf("adding the reconciler of channels: %w", err)
	}
	return nil
}
