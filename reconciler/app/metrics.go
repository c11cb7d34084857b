package app

import (
	"slices"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var (
	stepsTotal = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "headway_controller_steps_total",
		Help: "Steps that candidates and shares have taken to more traffic.",
	})
	rollbacksTotal = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "headway_controller_rollbacks_total",
		Help: "Revisions that failed while they served, or before that a gate, and have no traffic any more.",
	})
	promotionsTotal = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "headway_controller_promotions_total",
		Help: "Moves of an app's live traffic to another revision.",
	})
	collectedTotal = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "headway_controller_revisions_collected_total",
		Help: "Revisions deleted because nothing wanted them any more.",
	})
	trafficWeight = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "headway_controller_traffic_weight",
		Help: "Part of an app's traffic that a revision has, 0 to 1; only of those that have any.",
	}, []string{"namespace", "app", "revision"})
	gateEvidence = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "headway_controller_gate_evidence",
		Help: "Evidence of a gate against a revision on trial; 1 is none. It fails at the number of gates divided by alpha: 100 for one gate.",
	}, []string{"namespace", "app", "revision", "gate"})
)

func init() {
	metrics.Registry.MustRegister(stepsTotal, promotionsTotal, rollbacksTotal, collectedTotal, trafficWeight, gateEvidence)
}

// measure shows what an App's traffic is now, and forgets what is not any more.
func measure(seen Seen, plan Plan) {
	app := seen.App
	for _, t := range seen.serving() {
		if !slices.ContainsFunc(plan.Route.Traffic, func(now v1alpha1.TrafficTarget) bool { return now.Revision == t.Revision && now.Weight > 0 }) {
			trafficWeight.DeleteLabelValues(app.Namespace, app.Name, t.Revision)
		}
	}
	for _, t := range plan.Route.Traffic {
		if t.Weight > 0 {
			trafficWeight.WithLabelValues(app.Namespace, app.Name, t.Revision).Set(float64(t.Weight) / v1alpha1.Whole)
		}
	}
	for _, t := range app.Status.Trials {
		if plan.Status.Trial(t.Revision) == nil {
			gateEvidence.DeletePartialMatch(prometheus.Labels{"namespace": app.Namespace, "app": app.Name, "revision": t.Revision})
		}
	}
	for _, t := range plan.Status.Trials {
		for _, g := range t.Gates {
			if e, err := strconv.ParseFloat(g.Evidence, 64); err == nil {
				gateEvidence.WithLabelValues(app.Namespace, app.Name, t.Revision, g.Name).Set(e)
			}
		}
	}
}

// unmeasure forgets an App.
func unmeasure(app types.NamespacedName) {
	labels := prometheus.Labels{"namespace": app.Namespace, "app": app.Name}
	trafficWeight.DeletePartialMatch(labels)
	gateEvidence.DeletePartialMatch(labels)
}
