package eventing

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

var (
	filled = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "headway_events_channel_filled",
		Help: "Part of its size that a channel has, 0 to 1.",
	}, []string{"namespace", "channel"})
	accepting = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "headway_events_channel_ready",
		Help: "1 while a channel accepts events, 0 while it does not, as its condition Ready says.",
	}, []string{"namespace", "channel"})
	delivering = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "headway_events_subscription_ready",
		Help: "1 while a subscription delivers, 0 while it does not, as its condition Ready says; a pause is none of these.",
	}, []string{"namespace", "subscription"})
)

func init() { metrics.Registry.MustRegister(filled, accepting, delivering) }

// measureChannel sets the gauges of a channel.
func measureChannel(c *v1alpha1.Channel, status *v1alpha1.ChannelStatus) {
	if size := c.Spec.Size.Value(); size > 0 {
		filled.WithLabelValues(c.Namespace, c.Name).Set(float64(status.Bytes) / float64(size))
	}
	accepting.WithLabelValues(c.Namespace, c.Name).Set(holds(condition.Get(status.Conditions, v1alpha1.ConditionReady)))
}

// measureSubscription sets the gauge of a subscription.
func measureSubscription(s *v1alpha1.Subscription, status *v1alpha1.SubscriptionStatus) {
	ready := condition.Get(status.Conditions, v1alpha1.ConditionReady)
	if ready.Reason == v1alpha1.ReasonPaused {
		delivering.DeleteLabelValues(s.Namespace, s.Name)
		return
	}
	delivering.WithLabelValues(s.Namespace, s.Name).Set(holds(ready))
}

func holds(s condition.State) float64 {
	if s.Status == "True" {
		return 1
	}
	return 0
}

// unmeasure takes away the gauges of an object that is gone.
func unmeasure(name types.NamespacedName, gauges ...*prometheus.GaugeVec) {
	for _, gauge := range gauges {
		gauge.DeleteLabelValues(name.Namespace, name.Name)
	}
}
