package kubernetes

import (
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/source"
)

// eventType is the type of every event of these sources.
const eventType = "dev.headway.kubernetes.event"

// toEvent makes the event of one version of an object. Its id is the same each
// time; its data is the object, without who manages which field of it.
func toEvent(name types.NamespacedName, object *corev1.Event) (event.Event, error) {
	data := object.DeepCopy()
	data.APIVersion, data.Kind = "v1", "Event" // lists and watches of typed clients leave them out
	data.ManagedFields = nil
	body, err := json.Marshal(data)
	if err != nil {
		return event.Event{}, fmt.Errorf("writing event %s as JSON: %w", object.Name, err)
	}
	made := event.Event{
		ID:              string(object.UID) + "/" + object.ResourceVersion,
		Source:          source.SourceOf(name),
		Type:            eventType,
		Subject:         object.InvolvedObject.Kind + "/" + object.InvolvedObject.Name,
		Time:            happened(object).UTC().Format(time.RFC3339Nano),
		DataContentType: "application/json",
		Data:            body,
	}
	// Whoever may write events can call the object what they like.
	if made.Validate() != nil {
		made.Subject = ""
	}
	return made, nil
}

// happened is when the newest of what an object stands for happened: who writes
// it sets some of its times.
func happened(object *corev1.Event) time.Time {
	if object.Series != nil && !object.Series.LastObservedTime.IsZero() {
		return object.Series.LastObservedTime.Time
	}
	for _, t := range []time.Time{object.LastTimestamp.Time, object.EventTime.Time} {
		if !t.IsZero() {
			return t
		}
	}
	return object.CreationTimestamp.Time
}
