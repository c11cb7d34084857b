package channel

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var duplicates = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "headway_events_duplicates_total",
	Help: "Events that were not kept again, as one with their source and id was within the channel's dedupe.",
}, []string{"namespace", "channel"})

func init() { metrics.Registry.MustRegister(duplicates) }

func (c *Channel) duplicates(n int) {
	if n > 0 {
		duplicates.WithLabelValues(c.name.Namespace, c.name.Name).Add(float64(n))
	}
}
