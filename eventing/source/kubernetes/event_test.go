package kubernetes

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/event"
)

func TestToEvent(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 5, 4, 12, minute, 0, 0, time.UTC) }
	full := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team", Name: "shop.1", UID: "u1", ResourceVersion: "42", CreationTimestamp: metav1.NewTime(at(0)),
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubelet"}},
		},
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "shop"},
		Type:           "Warning", Reason: "BackOff", Message: "it crashes", Count: 3,
		FirstTimestamp: metav1.NewTime(at(0)), LastTimestamp: metav1.NewTime(at(2)),
	}
	got, err := toEvent(types.NamespacedName{Namespace: "team", Name: "cluster"}, full)
	if err != nil {
		t.Fatal(err)
	}
	want := event.Event{
		ID: "u1/42", Source: "/headway/team/sources/cluster", Type: "dev.headway.kubernetes.event", Subject: "Pod/shop",
		Time: "2026-05-04T12:02:00Z", DataContentType: "application/json",
		Data: []byte(`{"kind":"Event","apiVersion":"v1","metadata":{"name":"shop.1","namespace":"team","uid":"u1","resourceVersion":"42","creationTimestamp":"2026-05-04T12:00:00Z"},` +
			`"involvedObject":{"kind":"Pod","name":"shop"},"reason":"BackOff","message":"it crashes","source":{},` +
			`"firstTimestamp":"2026-05-04T12:00:00Z","lastTimestamp":"2026-05-04T12:02:00Z","count":3,"type":"Warning","eventTime":null,"reportingComponent":"","reportingInstance":""}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(full.ManagedFields) != 1 {
		t.Error("the object itself was changed")
	}

	for _, tc := range []struct {
		name          string
		change        func(*corev1.Event)
		subject, time string
	}{
		{"a series", func(e *corev1.Event) {
			e.Series = &corev1.EventSeries{LastObservedTime: metav1.NewMicroTime(at(3).Add(time.Microsecond))}
		}, "Pod/shop", "2026-05-04T12:03:00.000001Z"},
		{"of the newer API", func(e *corev1.Event) {
			e.LastTimestamp, e.EventTime = metav1.Time{}, metav1.NewMicroTime(at(1))
		}, "Pod/shop", "2026-05-04T12:01:00Z"},
		{"without a time", func(e *corev1.Event) { e.LastTimestamp = metav1.Time{} }, "Pod/shop", "2026-05-04T12:00:00Z"},
		{"a name that is none", func(e *corev1.Event) { e.InvolvedObject.Name = "a\nb" }, "", "2026-05-04T12:02:00Z"},
	} {
		object := full.DeepCopy()
		tc.change(object)
		got, err := toEvent(types.NamespacedName{Namespace: "team", Name: "cluster"}, object)
		if err != nil || got.Subject != tc.subject || got.Time != tc.time || got.Validate() != nil {
			t.Errorf("%s: %+v, %v", tc.name, got, err)
		}
	}
}
