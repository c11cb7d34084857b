package watcher

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
)

var (
	syncs = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_watcher_syncs_total",
		Help: "Looks at remotes, by the reason that the Repository's Ready condition got.",
	}, []string{"reason"})
	syncSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "headway_watcher_sync_seconds",
		Help:    "Time of one look, from the credentials to the last object written.",
		Buckets: []float64{.01, .025, .05, .1, .15, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
	})
	revisionsMade = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "headway_watcher_revisions_made_total",
		Help: "Revisions created.",
	})
)

func init() { metrics.Registry.MustRegister(syncs, syncSeconds, revisionsMade) }

func observeSync(err error, took time.Duration) {
	reason := v1alpha1.ReasonSynced
	if err != nil {
		reason = git.AsError(err).Reason
	}
	syncs.WithLabelValues(reason).Inc()
	syncSeconds.Observe(took.Seconds())
}
