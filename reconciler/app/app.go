// Package app compiles an App into its Route, says on the App what each of its
// revisions is there for, and removes those that nothing wants any more.
//
// It promises that traffic moves only to a revision that is ready and that one
// which fails soon after gives it back, and that no revision is deleted while a
// Route, a ref or a pin can reach it. Which revision takes the traffic is decided
// in reconciler/promotion; everybody else reads App.status.revisions.
package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/check"
	"github.com/headway-dev/headway/reconciler/index"
	"github.com/headway-dev/headway/reconciler/preview"
	"github.com/headway-dev/headway/reconciler/promotion"
	"github.com/headway-dev/headway/reconciler/trial"
)

// behind is how soon to look again where the cache has not seen the last write.
const behind = 50 * time.Millisecond

// Reconciler reconciles Apps.
type Reconciler struct {
	Client client.Client
	Events events.EventRecorder
	// Public is how apps are reached.
	Public address.Public
	// Trials is how revisions on trial do, and Checks what the gates say that ask
	// somebody.
	Trials *trial.Feed
	Checks *check.Checker
	// Hooks run the setups and teardowns of previews.
	Hooks *preview.Hooks

	written apply.Written
}

// Reconcile brings the Route of one App up to date.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var app v1alpha1.App
	if err := r.Client.Get(ctx, req.NamespacedName, &app); err != nil {
		r.written.Forget(req.NamespacedName)
		r.Trials.Forget(req.NamespacedName)
		r.Checks.Follow(req.NamespacedName, nil)
		unmeasure(req.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if r.written.Ahead(&app) {
		// The event of that write comes; what is told of trials meanwhile must not
		// wait for it behind all others.
		return ctrl.Result{RequeueAfter: behind}, nil
	}
	if app.DeletionTimestamp != nil { // its Route and Revisions go by owner reference
		return apply.Outcome(r.Hooks.End(ctx, &app))
	}
	if wrote, err := r.Hooks.Hold(ctx, &app); err != nil {
		return apply.Outcome(0, err)
	} else if wrote {
		r.written.Note(&app)
	}
	seen, err := r.observe(ctx, &app)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("observing app %s: %w", req, err)
	}
	plan := PlanFor(seen, r.Public, time.Now())
	if err := r.Hooks.Apply(ctx, plan.Setup); apply.Refused(err) {
		plan.refuseSetup(seen, err, time.Now())
	} else if err != nil {
		return apply.Outcome(0, fmt.Errorf("setting up app %s: %w", req, err))
	}
	if err := r.apply(ctx, seen, plan); err != nil {
		return apply.Outcome(0, fmt.Errorf("applying app %s: %w", req, err))
	}
	return ctrl.Result{RequeueAfter: plan.RequeueAfter}, nil
}

func (r *Reconciler) observe(ctx context.Context, app *v1alpha1.App) (Seen, error) {
	seen := Seen{App: app}
	var err error
	if seen.Route, err = index.Lookup(ctx, r.Client, app.Namespace, app.Name, &v1alpha1.Route{}); err != nil {
		return seen, err
	}
	var list v1alpha1.RevisionList
	if err := r.Client.List(ctx, &list, client.InNamespace(app.Namespace), client.MatchingFields{index.RevisionApp: app.Name}); err != nil {
		return seen, fmt.Errorf("listing revisions: %w", err)
	}
	seen.Revisions = slices.DeleteFunc(list.Items, func(rev v1alpha1.Revision) bool { return rev.DeletionTimestamp != nil })
	seen.Answers, seen.Readings = map[string]promotion.Answers{}, map[string]promotion.Reading{}
	for _, role := range app.Status.Revisions {
		seen.Answers[role.Name] = r.Trials.Answers(types.NamespacedName{Namespace: app.Namespace, Name: role.Name})
	}
	for _, t := range app.Status.Trials {
		if reading, judged := r.Trials.Reading(types.NamespacedName{Namespace: app.Namespace, Name: t.Revision}); judged {
			reading.Gates = append(reading.Gates, r.Checks.Gates(client.ObjectKeyFromObject(app), t.Revision, seen.gates(t.Ref))...)
			seen.Readings[t.Revision] = reading
		}
	}
	if seen.SetupPod, err = r.Hooks.SetupPod(ctx, app); err != nil {
		return seen, err
	}
	if seen.Granted, err = r.granted(ctx, app); err != nil {
		return seen, err
	}
	seen.Claimed, err = r.claimed(ctx, app)
	return seen, err
}

// granted is what the App's namespace may have of hosts.
func (r *Reconciler) granted(ctx context.Context, app *v1alpha1.App) (string, error) {
	if len(app.Spec.Hosts) == 0 {
		return "", nil
	}
	namespace := &metav1.PartialObjectMetadata{}
	namespace.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
	if err := r.Client.Get(ctx, client.ObjectKey{Name: app.Namespace}, namespace); err != nil {
		return "", fmt.Errorf("getting namespace %s: %w", app.Namespace, err)
	}
	return namespace.Annotations[v1alpha1.AnnotationHosts], nil
}

// claimed are the hosts of the App's branches that other Routes have.
func (r *Reconciler) claimed(ctx context.Context, app *v1alpha1.App) (map[string]bool, error) {
	claimed := map[string]bool{}
	for _, head := range app.Spec.Heads {
		plain, _ := branchHost(app, head.Ref, r.Public)
		if plain == "" || head.Ref == app.Spec.ProductionRef {
			continue
		}
		routes, err := index.Claimants(ctx, r.Client, plain, app)
		if err != nil {
			return nil, err
		}
		claimed[plain] = len(routes) > 0
	}
	return claimed, nil
}

// apply moves traffic first, then says so, then cleans up. What takes the traffic
// from a revision that failed is said before it is done, so that no process that
// dies in between lets it come back; and it is done even if it cannot be said:
// users do not wait for that, and the Route marks who failed until it is.
//
// What is judged begins before there is traffic to judge, and ends when the
// decision is written: until then its evidence may be needed again.
func (r *Reconciler) apply(ctx context.Context, seen Seen, plan Plan) error {
	app := client.ObjectKeyFromObject(seen.App)
	r.settle(seen, plan)
	r.Trials.Begin(app, plan.Runs)
	fails := func(r v1alpha1.RevisionRole) bool { return seen.fails(r.Name, &plan.Status) }
	if slices.ContainsFunc(plan.Status.Revisions, fails) {
		if err := errors.Join(r.writeStatus(ctx, seen, plan, apply.StatusRegardless), r.applyRoute(ctx, seen, plan)); err != nil {
			return err
		}
	} else {
		if err := r.applyRoute(ctx, seen, plan); err != nil {
			return err
		}
		if err := r.writeStatus(ctx, seen, plan, apply.Status); err != nil {
			return err
		}
	}
	r.Trials.Follow(app, plan.Runs)
	r.Checks.Follow(app, plan.Subjects)
	measure(seen, plan)
	return r.collect(ctx, seen, plan)
}

type statusWriter = func(ctx context.Context, c client.Client, object, before client.Object) error

func (r *Reconciler) writeStatus(ctx context.Context, seen Seen, plan Plan, write statusWriter) error {
	if equality.Semantic.DeepEqual(seen.App.Status, plan.Status) {
		return nil
	}
	before := seen.App.DeepCopy()
	app := seen.App.DeepCopy()
	app.Status = plan.Status
	if err := write(ctx, r.Client, app, before); err != nil {
		return err
	}
	r.written.Note(app)
	r.announce(app, before.Status, plan.Events)
	return nil
}

// collect deletes the Revisions that nothing wants any more.
func (r *Reconciler) collect(ctx context.Context, seen Seen, plan Plan) error {
	for _, name := range plan.Delete {
		if err := apply.Delete(ctx, r.Client, seen.revision(name)); err != nil {
			return err
		}
		collectedTotal.Inc()
	}
	return nil
}

// settle has the answers of the live revision counted, from the moment on at
// which it takes the traffic until it has settled.
func (r *Reconciler) settle(seen Seen, plan Plan) {
	app := client.ObjectKeyFromObject(seen.App)
	live := types.NamespacedName{Namespace: app.Namespace, Name: promotion.Live(plan.Route.Traffic)}
	switch {
	case !plan.Settling:
		r.Trials.Settled(app)
	case promotion.Live(seen.serving()) != live.Name:
		r.Trials.Settle(app, live)
	default:
		r.Trials.Resume(app, live)
	}
}

func (r *Reconciler) applyRoute(ctx context.Context, seen Seen, plan Plan) error {
	if seen.Route != nil && equality.Semantic.DeepEqual(seen.Route.Spec, plan.Route) {
		return nil
	}
	app := seen.App
	route := &v1alpha1.Route{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "Route"},
		ObjectMeta: metav1.ObjectMeta{
			Name: app.Name, Namespace: app.Namespace,
			Labels: map[string]string{
				v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelApp: app.Name, v1alpha1.LabelRepository: app.Spec.Repository,
			},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(app, v1alpha1.GroupVersion.WithKind("App"))},
		},
		Spec: plan.Route,
	}
	return apply.Object(ctx, r.Client, apply.Reconcilers, route)
}
