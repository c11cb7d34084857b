package source

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	taken = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_events_source_events_total",
		Help: "Events of a source that its channel has taken.",
	}, []string{"namespace", "source"})
	failing = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "headway_events_source_failing",
		Help: "1 while a source cannot take events, else 0.",
	}, []string{"namespace", "source"})
)

func init() { metrics.Registry.MustRegister(taken, failing) }

// unmeasure takes the metrics of a source away with it.
func (s *running) unmeasure() {
	taken.DeleteLabelValues(s.name.Namespace, s.name.Name)
	failing.DeleteLabelValues(s.name.Namespace, s.name.Name)
}
