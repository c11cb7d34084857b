package eventing

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/delivery"
	"github.com/headway-dev/headway/eventing/filter"
)

// logPause is how soon to look again for the log of a channel that has just been
// made.
const logPause = time.Second

// subscriptions has the events of every Subscription delivered, and says how that
// goes.
type subscriptions struct {
	client client.Client
	// live asks the API server for what is looked for seldom.
	live       client.Reader
	events     events.EventRecorder
	store      *channel.Store
	cursors    *cursor.Store
	dispatcher *delivery.Dispatcher
	// activator is the URL of the activators' Service.
	activator string
	// find finds an event of a channel by its id, as far as that is remembered.
	find func(name channel.Name, id string) (seq uint64, ok bool)
	now  func() time.Time

	// handing is held for writing while a place is taken over, and for reading from
	// when a Subscription is read until the dispatcher knows of it: one that is gone
	// is not brought back.
	handing sync.RWMutex

	mu    sync.Mutex
	wired map[types.NamespacedName]wiring
	// counted is when the status of each was written last.
	counted map[types.NamespacedName]time.Time
}

// countsPause is how often counts are written of all Subscriptions together that have
// nothing else to say: a thousand of them, each every statusPause, would keep the API
// server busy, whose disk may be that of the events.
const countsPause = 100 * time.Millisecond

// wiring is what the dispatcher was last told about a Subscription; it is told
// again when that changes.
type wiring struct {
	uid        types.UID
	generation int64
	source     *channel.Channel
	target     delivery.Target
	// problem is a False state, or nothing.
	problem condition.State
}

// Reconcile brings one subscription up to date, and looks again after statusPause.
func (r *subscriptions) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	waits, err := r.takeOver(ctx, req.NamespacedName)
	if err != nil {
		return ctrl.Result{}, err
	}
	var object v1alpha1.Subscription
	problem, pause, err := r.follow(ctx, req.NamespacedName, &object, waits)
	if err != nil || object.Name == "" {
		return ctrl.Result{}, err
	}
	var progress *delivery.Status
	if now, ok := r.dispatcher.Status(ctx, req.NamespacedName); ok {
		progress = &now
	}
	status := subscriptionStatus(&object, problem, progress, r.now())
	if waits == (condition.State{}) { // else those of the other one may be its own
		if status.Redrive, status.Replay, err = r.runs(ctx, &object, r.wiredAs(req.NamespacedName)); err != nil {
			return ctrl.Result{}, err
		}
	}
	measureSubscription(&object, &status)
	if equality.Semantic.DeepEqual(object.Status, status) || onlyCounts(object.Status, status) && !r.due(req.NamespacedName) {
		return ctrl.Result{RequeueAfter: pause}, nil
	}
	before := object.DeepCopy()
	object.Status = status
	if err := apply.Status(ctx, r.client, &object, before); err != nil {
		return apply.Outcome(0, err)
	}
	r.wrote(req.NamespacedName)
	r.tell(before, &object)
	r.tellRun(&object, "Redrive", before.Status.Redrive, object.Status.Redrive)
	r.tellRun(&object, "Replay", before.Status.Replay, object.Status.Replay)
	return ctrl.Result{RequeueAfter: pause}, nil
}

// follow reads a Subscription and has the dispatcher do what it asks for, unless it
// waits for something; without a name it is gone. It returns why nothing is delivered.
func (r *subscriptions) follow(ctx context.Context, name types.NamespacedName, object *v1alpha1.Subscription, waits condition.State) (problem condition.State, pause time.Duration, err error) {
	r.handing.RLock()
	defer r.handing.RUnlock()
	there, err := r.read(ctx, name, object)
	switch {
	case err != nil:
		return condition.State{}, 0, err
	case !there:
		*object = v1alpha1.Subscription{}
		unmeasure(name, delivering)
		r.dispatcher.Remove(name)
		r.rewire(name, wiring{})
		return condition.State{}, 0, nil
	case waits != (condition.State{}):
		return waits, logPause, nil
	}
	return r.wire(ctx, object)
}

// read reads a Subscription; false: it does not exist, or is being deleted.
func (r *subscriptions) read(ctx context.Context, name types.NamespacedName, object *v1alpha1.Subscription) (there bool, err error) {
	err = r.client.Get(ctx, name, object)
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("observing subscription %s: %w", name, err)
	}
	return err == nil && object.DeletionTimestamp == nil, nil
}

// wire tells the dispatcher what to deliver where, and returns why nothing is.
func (r *subscriptions) wire(ctx context.Context, object *v1alpha1.Subscription) (problem condition.State, pause time.Duration, err error) {
	name := client.ObjectKeyFromObject(object)
	seen, err := r.observe(ctx, object)
	if err != nil {
		return condition.State{}, 0, fmt.Errorf("observing subscription %s: %w", name, err)
	}
	source, kept := r.store.Channel(types.NamespacedName{Namespace: object.Namespace, Name: object.Spec.Channel})
	seen.kept = kept
	target, problem := resolve(object, seen, r.activator)
	compiled, problem := compile(&object.Spec, problem)
	if !kept {
		if problem == (condition.State{}) { // its log is being made
			problem = condition.Unknown(v1alpha1.ReasonWaiting, fmt.Sprintf("channel %q is being opened", object.Spec.Channel))
		}
		return problem, logPause, nil
	}
	wants := wiring{object.UID, object.Generation, source, target, problem}
	if r.wiredAs(name) == wants {
		return problem, statusPause, nil
	}
	spec := *object.Spec.DeepCopy()
	spec.Paused = spec.Paused || problem != (condition.State{}) // its place is kept all the same
	if err := r.dispatcher.Set(delivery.Subscription{Name: name, Spec: spec, Filter: compiled, Target: target}); err != nil {
		return condition.State{}, 0, fmt.Errorf("delivering subscription %s: %w", name, err)
	}
	r.rewire(name, wants)
	return problem, statusPause, nil
}

// compile makes the filter of a spec; a problem that there was already is worse.
func compile(spec *v1alpha1.SubscriptionSpec, problem condition.State) (*filter.Filter, condition.State) {
	compiled, wrong := compileFilter(spec.Filter, "filter")
	if wrong != "" && problem == (condition.State{}) {
		problem = condition.False(v1alpha1.ReasonFilterInvalid, wrong+". Events wait in the channel until it is right")
	}
	return compiled, problem
}

// compileFilter makes a filter, or says what is wrong with it; key is where the spec
// has it.
func compileFilter(f *v1alpha1.EventFilter, key string) (compiled *filter.Filter, wrong string) {
	if f == nil {
		return nil, ""
	}
	compiled, err := filter.Compile(f)
	var problem *filter.Problem
	switch {
	case err == nil:
		return compiled, ""
	case errors.As(err, &problem):
		return nil, strings.TrimSuffix(key+"."+problem.Path, ".") + ": " + problem.Reason
	}
	return nil, err.Error()
}

func (r *subscriptions) wiredAs(name types.NamespacedName) wiring {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.wired[name]
}

// rewire remembers what the dispatcher was told; the zero wiring is nothing.
func (r *subscriptions) rewire(name types.NamespacedName, now wiring) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now == (wiring{}) {
		delete(r.wired, name)
		delete(r.counted, name)
		return
	}
	r.wired[name] = now
}

// due reports whether the counts of a Subscription may be written again.
func (r *subscriptions) due(name types.NamespacedName) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now().Sub(r.counted[name]) >= time.Duration(len(r.wired))*countsPause
}

func (r *subscriptions) wrote(name types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counted[name] = r.now()
}

// observe finds what a Subscription names.
func (r *subscriptions) observe(ctx context.Context, object *v1alpha1.Subscription) (seenSubscription, error) {
	seen := seenSubscription{channels: map[string]bool{}}
	for _, one := range named(&object.Spec) {
		var c v1alpha1.Channel
		err := r.client.Get(ctx, types.NamespacedName{Namespace: object.Namespace, Name: one[1]}, &c)
		if client.IgnoreNotFound(err) != nil {
			return seen, err
		}
		seen.channels[one[1]] = err == nil && c.DeletionTimestamp == nil
	}
	if object.Spec.To.App == "" {
		return seen, nil
	}
	var route v1alpha1.Route
	err := r.client.Get(ctx, types.NamespacedName{Namespace: object.Namespace, Name: object.Spec.To.App}, &route)
	if apierrors.IsNotFound(err) {
		return seen, nil
	} else if err != nil {
		return seen, err
	}
	seen.host = route.Spec.Hosts[0]
	var claimants v1alpha1.RouteList
	if err := r.client.List(ctx, &claimants, client.MatchingFields{routeHost: seen.host}); err != nil {
		return seen, err
	}
	for i := range claimants.Items {
		if other := &claimants.Items[i]; other.Claim().Compare(route.Claim()) < 0 {
			seen.lostTo = other.Namespace + "/" + other.Name
		}
	}
	return seen, nil
}

// tell makes an event of the first dead letter.
func (r *subscriptions) tell(before, now *v1alpha1.Subscription) {
	if before.Status.Dead > 0 || now.Status.Dead == 0 {
		return
	}
	note := "the first event was given up on"
	if now.Spec.DeadLetter == "" {
		note += " and dropped, as there is no deadLetter"
	} else {
		note += " and is in channel " + now.Spec.DeadLetter
	}
	if f := now.Status.LastFailure; f != nil {
		note += ": event " + f.Event + ": " + f.Message
	}
	r.events.Eventf(now, nil, corev1.EventTypeWarning, "DeadLetter", "Deliver", "%s", condition.Note(note))
}

// Start forgets, after v1alpha1.CursorKept, the places of Subscriptions that were
// deleted while this program did not run.
func (r *subscriptions) Start(ctx context.Context) error {
	for _, name := range r.cursors.Names() {
		var object v1alpha1.Subscription
		err := r.client.Get(ctx, name, &object)
		switch {
		case apierrors.IsNotFound(err):
			r.dispatcher.Remove(name)
		case err != nil:
			return fmt.Errorf("looking for subscription %s: %w", name, err)
		}
	}
	return nil
}
