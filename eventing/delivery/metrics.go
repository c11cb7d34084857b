package delivery

import (
	"time"

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

// Reasons for which something is lost for good.
const (
	dropNoDeadLetter = "no_dead_letter" // given up on, and there is no channel for that
	dropExpired      = "expired"        // the channel did not keep it until it was delivered
	dropUnreadable   = "unreadable"     // its record in the log is damaged
	dropLoop         = "loop"           // a dead letter or a reply that has passed too many channels
	dropTooLarge     = "too_large"      // one that its channel does not take
	dropBadReply     = "bad_reply"      // the event in an answer is none
)

var (
	drops = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_events_dropped_total",
		Help: "Events, dead letters and replies that are lost for good, by reason.",
	}, []string{"namespace", "subscription", "reason"})
	deliveries = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_events_deliveries_total",
		Help: "Attempts to deliver events, by how they ended.",
	}, []string{"namespace", "subscription", "result"})
	dead = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_events_dead_total",
		Help: "Events that were given up on.",
	}, []string{"namespace", "subscription"})
	lag = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "headway_events_lag",
		Help: "Events of its channel that a subscription is not done with.",
	}, []string{"namespace", "subscription"})
	oldest = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "headway_events_oldest_seconds",
		Help: "How long ago the oldest of these events was accepted; 0 without one.",
	}, []string{"namespace", "subscription"})
)

func init() { metrics.Registry.MustRegister(deliveries, dead, drops, lag, oldest) }

// measure sets the gauges of a subscription, or takes them away with it.
func (d *Dispatcher) measure(s *subscription) {
	if s.run != nil {
		return
	}
	st, ok := d.Status(d.ctx, s.name)
	if !ok {
		lag.DeleteLabelValues(s.name.Namespace, s.name.Name)
		oldest.DeleteLabelValues(s.name.Namespace, s.name.Name)
		return
	}
	age := 0.0
	if !st.Oldest.IsZero() {
		age = time.Since(st.Oldest).Seconds()
	}
	lag.WithLabelValues(s.name.Namespace, s.name.Name).Set(float64(st.Lag))
	oldest.WithLabelValues(s.name.Namespace, s.name.Name).Set(age)
}

func (s *subscription) drop(reason string, n uint64) {
	drops.WithLabelValues(s.of.Namespace, s.of.Name, reason).Add(float64(n))
}

func (s *subscription) count(result string) {
	deliveries.WithLabelValues(s.of.Namespace, s.of.Name, result).Inc()
	if result == resultDead {
		dead.WithLabelValues(s.of.Namespace, s.of.Name).Inc()
	}
}
