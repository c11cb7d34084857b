package autoscaler

import (
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/decide"
)

// specFor says how a revision wants to be scaled. A new one gets its smallest
// number of pods, and at least one, to show that it runs before it takes
// traffic. Later that number is only kept while it is live, or about to be. A
// candidate with a part of the traffic has one pod at least; one that holds a share
// has none while it is idle, if the app may have none. One that is kept warm keeps
// the pods that it has.
func specFor(rev *v1alpha1.Revision, role *v1alpha1.RevisionRole) decide.Spec {
	spec := decide.Spec{
		Min:         int(rev.Spec.Scale.Min),
		Max:         int(rev.Spec.Scale.Max),
		Initial:     max(1, int(rev.Spec.Scale.Min)),
		Concurrency: float64(rev.Spec.Scale.Concurrency),
		RPS:         float64(rev.Spec.Scale.RPS),
		Limit:       int(rev.Spec.Scale.Limit),
		Idle:        rev.Spec.Scale.Idle.Duration,
	}
	switch {
	case role == nil || role.Weight == 0 && role.Coming == 0:
		spec.Min = 0
	case role.Role == v1alpha1.RoleShare: // for as long as the branch lives
		spec.Min = min(1, spec.Min)
	case role.Role != v1alpha1.RoleLive && role.Coming < v1alpha1.Whole:
		spec.Min = 1
	}
	spec.Keep = role != nil && role.Warm
	return spec
}
