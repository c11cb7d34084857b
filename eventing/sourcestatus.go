package eventing

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/source"
)

// sourceStatus is the status of a Source: problem is why it does not run, or the
// zero State; progress is nil while the runner does not know it. It is pure.
func sourceStatus(object *v1alpha1.Source, problem condition.State, progress *source.Status, url string, now time.Time) v1alpha1.SourceStatus {
	status := *object.Status.DeepCopy()
	status.ObservedGeneration = object.Generation
	status.URL = ""
	if source.Webhook(&object.Spec) != nil {
		status.URL = url + "/hooks/" + object.Namespace + "/" + object.Name
	}
	if progress != nil {
		status.Events, status.Position = progress.Events, progress.Position
		if !progress.LastEvent.IsZero() { // else that of the process before
			status.LastEvent = new(metav1.NewTime(progress.LastEvent.Truncate(time.Second)))
		}
	}
	condition.Set(&status.Conditions, v1alpha1.ConditionReady, judgeSource(&object.Spec, problem, progress), object.Generation, now)
	return status
}

func judgeSource(spec *v1alpha1.SourceSpec, problem condition.State, progress *source.Status) condition.State {
	switch {
	case problem != (condition.State{}):
		return problem
	case progress == nil:
		return condition.Unknown(v1alpha1.ReasonWaiting, "the source is about to begin")
	case progress.Invalid:
		return condition.False(v1alpha1.ReasonSourceInvalid, progress.Problem.Error()+". Nothing is taken from the source until its spec or its Secret is right")
	case progress.Refused != nil:
		return condition.False(v1alpha1.ReasonChannelRefuses, fmt.Sprintf("channel %q: %s. It is tried again", spec.Channel, progress.Refused))
	case progress.Problem != nil:
		return condition.False(v1alpha1.ReasonSourceFailing, progress.Problem.Error()+". It is tried again")
	}
	return condition.True(v1alpha1.ReasonTaking, "")
}
