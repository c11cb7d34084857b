package eventing

import (
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/source"
)

func TestSourceStatus(t *testing.T) {
	paused := condition.False("Paused", "paused by its spec")
	failed := &source.Status{Events: 9, Position: "b", Problem: errors.New("the queue does not answer")}
	refused := &source.Status{Events: 9, Position: "b", Problem: errors.New("the event waits"), Refused: &channel.Unavailable{Reason: "the disk is full"}}
	invalid := &source.Status{Events: 9, Position: "b", Problem: &source.Invalid{Reason: "there is no such zone"}, Invalid: true}
	for _, tc := range []struct {
		name     string
		problem  condition.State
		progress *source.Status
		want     condition.State
	}{
		{"new", condition.State{}, nil, condition.Unknown("Waiting", "the source is about to begin")},
		{"well", condition.State{}, &source.Status{Events: 9, Position: "b", LastEvent: noon.Add(time.Millisecond)}, condition.True("Taking", "")},
		{"does not run", paused, failed, paused},
		{"fails", condition.State{}, failed, condition.False("SourceFailing", "the queue does not answer. It is tried again")},
		{"channel", condition.State{}, refused, condition.False("ChannelRefuses", `channel "orders": events cannot be kept now: the disk is full. It is tried again`)},
		{"invalid", condition.State{}, invalid, condition.False("SourceInvalid", "there is no such zone. Nothing is taken from the source until its spec or its Secret is right")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			object := &v1alpha1.Source{
				ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "pushes", Generation: 2},
				Spec:       v1alpha1.SourceSpec{Channel: "orders", GitHub: &v1alpha1.WebhookSource{}},
				Status:     v1alpha1.SourceStatus{Events: 8, Position: "a", LastEvent: new(metav1.NewTime(noon.Add(-time.Hour)))},
			}
			got := sourceStatus(object, tc.problem, tc.progress, "http://headway-events.headway-system", noon)
			if state := condition.Get(got.Conditions, v1alpha1.ConditionReady); state != tc.want {
				t.Errorf("got %+v, want %+v", state, tc.want)
			}
			events, position, last := int64(8), "a", noon.Add(-time.Hour)
			if tc.progress != nil {
				events, position = 9, "b"
				if !tc.progress.LastEvent.IsZero() {
					last = noon
				}
			}
			if got.Events != events || got.Position != position || !got.LastEvent.Time.Equal(last) || got.ObservedGeneration != 2 || got.URL != "http://headway-events.headway-system/hooks/shop/pushes" {
				t.Errorf("got %+v", got)
			}
		})
	}
}
