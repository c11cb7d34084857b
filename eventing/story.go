package eventing

import (
	"context"
	"log/slog"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/story"
)

// openStory opens what is remembered of events. Without it they are accepted and
// delivered all the same.
func (e *Eventing) openStory() {
	var err error
	e.story, err = story.Open(story.Options{
		Dir: filepath.Join(e.options.Data, "story"), Log: slog.Default(),
		Room: func() bool { return e.store.Accepting() == nil },
	})
	if err != nil {
		slog.Error("nothing is remembered of events until a restart", "error", err)
	}
	e.missing = e.story.Missing(e.store)
}

// tellStory catches up with events that are not remembered, and forgets those that
// no channel has any more.
func (e *Eventing) tellStory(ctx context.Context) error {
	if err := e.story.CatchUp(ctx, e.missing); err != nil && ctx.Err() == nil {
		slog.Warn("catching up with the story of events", "error", err)
	}
	tick := time.NewTicker(sweepPause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			e.story.Trim(e.firstOf)
		case <-ctx.Done():
			return nil
		}
	}
}

// find finds an event that a channel has by its id, as far as it is remembered.
func (e *Eventing) find(name types.NamespacedName, id string) (uint64, bool) {
	first, ok := e.firstOf(name)
	if !ok {
		return 0, false
	}
	return e.story.Seq(name, id, first)
}

// firstOf is the oldest event that a channel has.
func (e *Eventing) firstOf(name types.NamespacedName) (uint64, bool) {
	c, ok := e.store.Channel(name)
	if !ok {
		return 0, false
	}
	return c.State().First, true
}
