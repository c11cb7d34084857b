package revision

import (
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

var (
	buildsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_controller_builds_total",
		Help: "Builds by result: started, succeeded, reused, failed, superseded.",
	}, []string{"result"})
	buildSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "headway_controller_build_seconds",
		Help:    "Time from the creation of a build run until its image was known.",
		Buckets: []float64{2, 4, 7, 12, 20, 30, 60, 120, 300, 900},
	})
	startSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "headway_controller_revision_start_seconds",
		Help:    "Time from a known image until the revision's pods were ready for the first time.",
		Buckets: []float64{1, 2, 3, 5, 10, 20, 60, 300},
	})
)

func init() { metrics.Registry.MustRegister(buildsTotal, buildSeconds, startSeconds) }

func countBuild(built condition.State, status *v1alpha1.BuildStatus) {
	switch {
	case status == nil: // the image was given
	case built.Reason == v1alpha1.ReasonImageReused:
		buildsTotal.WithLabelValues("reused").Inc()
	case built.Reason == v1alpha1.ReasonSuperseded:
		buildsTotal.WithLabelValues("superseded").Inc()
	case built.Status == metav1.ConditionFalse:
		buildsTotal.WithLabelValues("failed").Inc()
	default:
		buildsTotal.WithLabelValues("succeeded").Inc()
		if status.StartedAt != nil && status.FinishedAt != nil {
			buildSeconds.Observe(status.FinishedAt.Sub(status.StartedAt.Time).Seconds())
		}
	}
}
