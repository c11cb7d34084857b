package delivery

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// Results of attempts.
const (
	resultDelivered = "delivered"
	resultFailed    = "failed" // it is tried again
	resultDead      = "dead"
	resultBadReply  = "bad_reply" // delivered; the event in the answer cannot be used
	resultDropped   = "dropped"   // a reply or a dead letter that no channel takes
)

var (
	deliveries = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_events_deliveries_total",
		Help: "Attempts to deliver events, by how they ended.",
	}, []string{"namespace", "subscription", "result"})
	dead = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_events_dead_total",
		Help: "Events that were given up on.",
	}, []string{"namespace", "subscription"})
)

func init() { metrics.Registry.MustRegister(deliveries, dead) }

func (s *subscription) count(result string) {
	deliveries.WithLabelValues(s.name.Namespace, s.name.Name, result).Inc()
	if result == resultDead {
		dead.WithLabelValues(s.name.Namespace, s.name.Name).Inc()
	}
}
