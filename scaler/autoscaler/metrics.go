package autoscaler

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/headway-dev/headway/scaler/decide"
)

var perRevision = []string{"namespace", "revision"}

func gauge(name, help string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "headway_autoscaler_" + name, Help: help}, perRevision)
}

var (
	wantedPods = gauge("wanted_pods", "Pods that the last decision asks for.")
	actualPods = gauge("actual_pods", "Pods that were asked for last, woken ones included.")
	readyPods  = gauge("ready_pods", "Pods that take requests.")
	stableLoad = gauge("stable_in_flight", "Average of the requests in flight and waiting over the stable window of 60 s.")
	burstLoad  = gauge("burst_in_flight", "Average of the requests in flight and waiting over the panic window of 3 s.")
	panicking  = gauge("panicking", "1 while an overload holds the pods up.")

	parkedPods = gauge("parked_pods", "Pods of the standby that could be woken now.")

	wakesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_autoscaler_wakes_total",
		Help: "Wake calls to parked pods by result: woken, refused (it runs already), denied, unreachable.",
	}, []string{"result"})
	lastDecision = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "headway_autoscaler_last_decision",
		Help: "1 for the reason of the last decision: load, overload, wake, idle, blind (no activator reports) or bound (a bound, a rate or a delay).",
	}, []string{"namespace", "revision", "reason"})
	streams = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "headway_autoscaler_streams", Help: "Activators that report.",
	})
	scalesTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_autoscaler_scales_total",
		Help: "Changes of a number of pods by direction: up, down, from_zero, to_zero.",
	}, []string{"direction"})
	wakeSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "headway_autoscaler_wake_seconds",
		Help:    "Time from an activator's report of a waiting request until a parked pod was woken, or the Deployment scaled, from zero.",
		Buckets: []float64{0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5},
	})
)

func gauges() []*prometheus.GaugeVec {
	return []*prometheus.GaugeVec{wantedPods, actualPods, readyPods, stableLoad, burstLoad, panicking, parkedPods}
}

func init() {
	for _, g := range gauges() {
		metrics.Registry.MustRegister(g)
	}
	metrics.Registry.MustRegister(lastDecision, wakesTotal, streams, scalesTotal, wakeSeconds)
}

// measure shows a decision.
func measure(name types.NamespacedName, v *view, d decide.Decision) {
	panics := 0.0
	if d.Panicking {
		panics = 1
	}
	values := []float64{float64(d.Replicas), float64(v.seen.Replicas), float64(v.seen.Ready), d.Stable.InFlight, d.Burst.InFlight, panics, float64(len(v.standby.parked))}
	for i, g := range gauges() {
		g.WithLabelValues(name.Namespace, name.Name).Set(values[i])
	}
	for _, cause := range decide.Causes {
		is := 0.0
		if cause == d.Cause {
			is = 1
		}
		lastDecision.WithLabelValues(name.Namespace, name.Name, string(cause)).Set(is)
	}
}

// unmeasure forgets a revision.
func unmeasure(name types.NamespacedName) {
	for _, g := range gauges() {
		g.DeleteLabelValues(name.Namespace, name.Name)
	}
	for _, cause := range decide.Causes {
		lastDecision.DeleteLabelValues(name.Namespace, name.Name, string(cause))
	}
}

// scaled counts a change that was written.
func scaled(seen decide.Seen, d decide.Decision, now time.Time) {
	direction := "up"
	switch {
	case seen.Replicas == 0:
		direction = "from_zero"
	case d.Replicas == 0:
		direction = "to_zero"
	case d.Replicas < seen.Replicas:
		direction = "down"
	}
	scalesTotal.WithLabelValues(direction).Inc()
	if seen.Replicas > 0 {
		return
	}
	for _, r := range seen.Reports {
		if r.Queued > 0 {
			wakeSeconds.Observe(now.Sub(r.At).Seconds())
			return
		}
	}
}
