package prepull

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var pullsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "headway_controller_prepulls_total",
	Help: "Pulls of an image onto a node in advance, by result: pulled, given_up.",
}, []string{"result"})

func init() { metrics.Registry.MustRegister(pullsTotal) }
