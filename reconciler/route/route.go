// Package route says on each Route whether it can be served.
//
// A host belongs to the oldest Route that claims it, in any namespace; the
// activators apply the same rule. This package only tells; it moves nothing.
package route

import (
	"context"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/election"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/index"
)

// Reconciler reconciles Routes.
type Reconciler struct {
	Client client.Client
}

// Reconcile brings the status of one Route up to date.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var route v1alpha1.Route
	if err := r.Client.Get(ctx, req.NamespacedName, &route); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if route.DeletionTimestamp != nil {
		return ctrl.Result{}, nil
	}
	rivals, err := r.rivals(ctx, &route)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("observing route %s: %w", req, err)
	}
	status := statusFor(&route, rivals, time.Now())
	if equality.Semantic.DeepEqual(route.Status, status) {
		return ctrl.Result{}, nil
	}
	before := route.DeepCopy()
	route.Status = status
	return apply.Outcome(0, apply.Status(ctx, r.Client, &route, before))
}

// rivals are the other Routes that claim one of the route's hosts, by host.
func (r *Reconciler) rivals(ctx context.Context, route *v1alpha1.Route) (map[string][]v1alpha1.Route, error) {
	rivals := map[string][]v1alpha1.Route{}
	for _, host := range index.Hosts(route) {
		var err error
		if rivals[host], err = index.Claimants(ctx, r.Client, host, route); err != nil {
			return nil, err
		}
	}
	return rivals, nil
}

// statusFor judges a Route against its rivals. It is pure.
func statusFor(route *v1alpha1.Route, rivals map[string][]v1alpha1.Route, now time.Time) v1alpha1.RouteStatus {
	status := *route.Status.DeepCopy()
	status.ObservedGeneration = route.Generation
	status.Summary = ""
	if !allLost(route, rivals) {
		status.Summary = Summary(route.Spec.Traffic, func(revision string) string { return revision })
	}
	condition.Set(&status.Conditions, v1alpha1.ConditionReady, judge(route, rivals), route.Generation, now)
	return status
}

func judge(route *v1alpha1.Route, rivals map[string][]v1alpha1.Route) condition.State {
	for i, host := range index.Hosts(route) {
		if other := lostTo(route, rivals[host]); other != nil {
			remedy := "rename one of the apps"
			if i > 0 && i < len(route.Spec.Hosts) { // one that headway.yaml asks for
				remedy = "remove it from hosts in the headway.yaml of one of them"
			}
			return condition.False(v1alpha1.ReasonHostConflict, fmt.Sprintf(
				"host %s belongs to the older route %s/%s; %s", host, other.Namespace, other.Name, remedy))
		}
	}
	if len(route.Spec.Traffic) == 0 {
		return condition.Unknown(v1alpha1.ReasonWaiting, "no revision is ready yet")
	}
	return condition.True(v1alpha1.ReasonRouted, "")
}

// allLost reports whether every host of the app itself belongs to other Routes:
// then no traffic comes by this one, whatever its spec says.
func allLost(route *v1alpha1.Route, rivals map[string][]v1alpha1.Route) bool {
	for _, host := range route.Spec.Hosts {
		if lostTo(route, rivals[host]) == nil {
			return false
		}
	}
	return true
}

// lostTo is a rival with an older claim; nil when there is none.
func lostTo(route *v1alpha1.Route, rivals []v1alpha1.Route) *v1alpha1.Route {
	for i := range rivals {
		if rivals[i].Claim().Compare(route.Claim()) < 0 {
			return &rivals[i]
		}
	}
	return nil
}

// Summary is the split in one line: "90% shop-1a2b3c4d, 10% shop-5e6f7081". name
// is how to call a revision.
func Summary(traffic []v1alpha1.TrafficTarget, name func(revision string) string) string {
	var parts []string
	for _, t := range traffic {
		if t.Weight > 0 {
			parts = append(parts, v1alpha1.Percent(t.Weight)+" "+name(t.Revision))
		}
	}
	return strings.Join(parts, ", ")
}

// Setup adds the reconciler to the manager. index.Register must have been
// called.
func Setup(mgr ctrl.Manager, leader *election.Leader) error {
	r := &Reconciler{Client: mgr.GetClient()}
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.Route{}).
		Watches(&v1alpha1.Route{}, handler.EnqueueRequestsFromMapFunc(index.Rivals(mgr.GetClient()))).
		Complete(leader.Reconciler(r))
}
