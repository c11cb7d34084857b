package webhook

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var webhooks = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "headway_watcher_webhooks_total",
	Help: "Webhooks by what became of them: accepted, refused, limited, invalid, error.",
}, []string{"result"})

func init() { metrics.Registry.MustRegister(webhooks) }

func count(result string) { webhooks.WithLabelValues(result).Inc() }
