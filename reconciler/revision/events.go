package revision

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// announce tells the moves that a person wants to see, as events and metrics:
// a build that ended, a revision that became ready or cannot.
func (r *Reconciler) announce(rev *v1alpha1.Revision, before v1alpha1.RevisionStatus) {
	if built, moved := changed(before, rev.Status, v1alpha1.ConditionBuilt); moved {
		r.event(rev, built, "Build")
		countBuild(built, rev.Status.Build)
	}
	ready, moved := changed(before, rev.Status, v1alpha1.ConditionReady)
	if moved && ready.Reason != v1alpha1.ReasonNotBuilt && ready.Reason != v1alpha1.ReasonSuperseded {
		r.event(rev, ready, "Start")
	}
	if with := rev.Status.StartedWith; with.Since != nil && !with.Since.Equal(before.StartedWith.Since) {
		r.event(rev, condition.True("Restarted", "pods are restarted: "+with.Cause), "Restart")
	}
	if rev.Status.EverReady && !before.EverReady && rev.Status.Build != nil && rev.Status.Build.FinishedAt != nil {
		startSeconds.Observe(time.Since(rev.Status.Build.FinishedAt.Time).Seconds())
	}
}

func (r *Reconciler) event(rev *v1alpha1.Revision, s condition.State, action string) {
	kind := corev1.EventTypeNormal
	if s.Status == metav1.ConditionFalse && s.Reason != v1alpha1.ReasonSuperseded {
		kind = corev1.EventTypeWarning
	}
	note := s.Message
	if note == "" {
		note = "commit " + v1alpha1.Short(rev.Spec.Commit)
	}
	r.Events.Eventf(rev, nil, kind, s.Reason, action, "%s", condition.Note(note))
}

var (
	buildsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "headway_controller_builds_total",
		Help: "Builds by result: started, succeeded, reused, failed, superseded.",
	}, []string{"result"})
	buildsWaiting = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "headway_controller_builds_waiting",
		Help: "Builds that wait for a slot.",
	})
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

func init() { metrics.Registry.MustRegister(buildsTotal, buildsWaiting, buildSeconds, startSeconds) }

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
