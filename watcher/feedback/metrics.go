package feedback

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	writes = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_feedback_writes_total",
		Help: "What forges were told, by kind (status, comment, deployment) and result (done, failed).",
	}, []string{"kind", "result"})
	refusals = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "headway_feedback_refusals_total",
		Help: "Times that a forge could not be told, as it cannot be reached or refuses.",
	})
)

func init() { metrics.Registry.MustRegister(writes, refusals) }

func count(a act, err error) {
	result := "done"
	if err != nil {
		result = "failed"
	}
	writes.WithLabelValues(a.kind(), result).Inc()
}
