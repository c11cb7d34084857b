package source

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/story"
)

// sink puts the extensions of a source on its events, and them into its channel.
type sink struct {
	source     *running
	extensions map[string]v1alpha1.EventAttribute
	channel    types.NamespacedName
}

// Append is of Sink.
func (k sink) Append(ctx context.Context, events []event.Event) error {
	err := k.append(ctx, events)
	switch {
	case ctx.Err() != nil:
	case errors.As(err, new(*channel.TooLarge)): // others would be taken
		k.source.refused(nil)
	default:
		k.source.refused(err)
	}
	return err
}

func (k sink) append(ctx context.Context, events []event.Event) error {
	to, ok := k.source.runner.sinks(k.channel)
	if !ok {
		return &channel.Unavailable{RetryAfter: time.Second, Reason: "channel " + k.channel.Name + " is not open"}
	}
	for i := range events {
		for name, value := range k.extensions {
			events[i].Set(name, string(value))
		}
	}
	return to.Append(story.WithSender(ctx, "source "+k.source.name.Name), events)
}

// checkExtensions returns an *Invalid for what no event may have.
func checkExtensions(extensions map[string]v1alpha1.EventAttribute) error {
	e := event.Event{ID: "1", Source: "/", Type: "a"}
	for _, name := range slices.Sorted(maps.Keys(extensions)) {
		e.Extensions = append(e.Extensions, event.Attribute{Name: name, Value: string(extensions[name])})
	}
	if err := e.Validate(); err != nil {
		return &Invalid{"extensions: " + err.Error()}
	}
	return nil
}
