package autoscaler

import (
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/decide"
)

// initialPods of a new revision, so that it can show that it runs.
const initialPods = 1

// specFor says how a revision wants to be scaled. The smallest number of pods
// is only kept for a revision that takes traffic.
func specFor(rev *v1alpha1.Revision, routed bool) decide.Spec {
	spec := decide.Spec{
		Min:         int(rev.Spec.Scale.Min),
		Max:         int(rev.Spec.Scale.Max),
		Initial:     initialPods,
		Concurrency: float64(rev.Spec.Scale.Concurrency),
		RPS:         float64(rev.Spec.Scale.RPS),
		Limit:       int(rev.Spec.Scale.Limit),
		Idle:        rev.Spec.Scale.Idle.Duration,
	}
	if !routed {
		spec.Min = 0
	}
	return spec
}
