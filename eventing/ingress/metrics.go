package ingress

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	accepted = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_events_accepted_total",
		Help: "Events that were answered with 202: they are on disk, or were before.",
	}, []string{"namespace", "channel"})
	refused = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_events_refused_total",
		Help: "Requests with events that were refused, by reason.",
	}, []string{"reason"})
)

func init() { metrics.Registry.MustRegister(accepted, refused) }
