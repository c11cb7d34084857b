package app

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/promotion"
)

// announce tells the moves that a person wants to see: what goes forward and
// back, and why the newest is not live.
func (r *Reconciler) announce(app *v1alpha1.App, before v1alpha1.AppStatus, happened []promotion.Event) {
	if app.Status.Live != before.Live && app.Status.Live != "" {
		promotionsTotal.Inc()
		r.Events.Eventf(app, nil, corev1.EventTypeNormal, string(promotion.EventPromoted), "Promote", "traffic: %s at %s", app.Status.TrafficSummary, app.Status.URL)
	}
	for _, e := range happened {
		kind := corev1.EventTypeNormal
		switch e.Reason {
		case promotion.EventPromoted: // told with what is live now
			continue
		case promotion.EventStepTaken:
			stepsTotal.Inc()
		case promotion.EventRolledBack:
			rollbacksTotal.Inc()
			kind = corev1.EventTypeWarning
		case promotion.EventHeld:
			kind = corev1.EventTypeWarning
		}
		r.Events.Eventf(app, nil, kind, string(e.Reason), "Promote", "%s", condition.Note("revision "+e.Revision+": "+e.Message))
	}
	for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionSpecValid} {
		was, is := condition.Get(before.Conditions, kind), condition.Get(app.Status.Conditions, kind)
		if is.Status == metav1.ConditionFalse && is.Reason != v1alpha1.ReasonRolledBack && (was.Reason != is.Reason || was.Status != is.Status) {
			r.Events.Eventf(app, nil, corev1.EventTypeWarning, is.Reason, "Promote", "%s", condition.Note(is.Message))
		}
	}
}
