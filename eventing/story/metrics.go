package story

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var forgotten = prometheus.NewCounter(prometheus.CounterOpts{
	Name: "headway_events_story_forgotten_total",
	Help: "Times that something for `headway why` could not be written down. The events themselves are not touched by that.",
})

func init() { metrics.Registry.MustRegister(forgotten) }
