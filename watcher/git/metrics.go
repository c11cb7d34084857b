package git

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	fetchBytes = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "headway_watcher_fetch_bytes_total",
		Help: "Bytes of packs received from remotes.",
	})
	intakeBytes = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "headway_watcher_pack_memory_bytes",
		Help:    "Most memory of the process that read a pack; 0 where it ended early.",
		Buckets: prometheus.ExponentialBuckets(8<<20, 2, 7),
	})
	fetchSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "headway_watcher_fetch_seconds",
		Help:    "Time from asking for a pack to having it on disk.",
		Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
	})
)

func init() { metrics.Registry.MustRegister(fetchBytes, intakeBytes, fetchSeconds) }
