package app

import (
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

var (
	rollbacksTotal = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "headway_controller_rollbacks_total",
		Help: "Revisions that failed while they served, and gave the traffic back.",
	})
	promotionsTotal = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "headway_controller_promotions_total",
		Help: "Moves of an app's live traffic to another revision.",
	})
	collectedTotal = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "headway_controller_revisions_collected_total",
		Help: "Revisions deleted because nothing wanted them any more.",
	})
)

func init() { metrics.Registry.MustRegister(promotionsTotal, rollbacksTotal, collectedTotal) }

// announce tells the moves that a person wants to see: what went live, and why
// the newest did not.
func (r *Reconciler) announce(app *v1alpha1.App, before v1alpha1.AppStatus) {
	if app.Status.Live != before.Live && app.Status.Live != "" {
		promotionsTotal.Inc()
		r.Events.Eventf(app, nil, corev1.EventTypeNormal, "Promoted", "Promote", "traffic: %s at %s", app.Status.TrafficSummary, app.Status.URL)
	}
	for _, role := range app.Status.Revisions {
		if role.Role == v1alpha1.RoleQuarantined && before.Role(role.Name) != v1alpha1.RoleQuarantined {
			rollbacksTotal.Inc()
		}
	}
	for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionSpecValid} {
		was, is := condition.Get(before.Conditions, kind), condition.Get(app.Status.Conditions, kind)
		if is.Status == metav1.ConditionFalse && (was.Reason != is.Reason || was.Status != is.Status) {
			r.Events.Eventf(app, nil, corev1.EventTypeWarning, is.Reason, "Promote", "%s", condition.Note(is.Message))
		}
	}
}
