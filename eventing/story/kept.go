package story

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
)

// Kept remembers new events of a channel; it is channel.Options.Kept. ctx has the
// sender.
func (s *Store) Kept(ctx context.Context, name types.NamespacedName, first uint64, events []event.Event) {
	now, by := time.Now(), Sender(ctx)
	for i := range events {
		s.Accepted(events[i].ID, Accepted{Channel: name, Seq: first + uint64(i), At: now, By: by})
	}
}

// readEvents and readBytes are how much of a channel is read at a time.
const (
	readEvents = 500
	readBytes  = 1 << 20
)

// Missing is what a channel has that is not remembered: it was accepted just
// before a crash, or the story began anew.
type Missing struct {
	channel  *channel.Channel
	from, to uint64
}

// Missing returns what is to be caught up with. Nothing must be appended to the
// channels meanwhile.
func (s *Store) Missing(channels *channel.Store) (all []Missing) {
	if s == nil {
		return nil
	}
	for _, name := range channels.Names() {
		c, ok := channels.Channel(name)
		if !ok {
			continue
		}
		state := c.State()
		if from := max(s.Newest(name)+1, state.First); from <= state.Last {
			all = append(all, Missing{c, from, state.Last})
		}
	}
	return all
}

// CatchUp remembers what was missing, without its senders.
func (s *Store) CatchUp(ctx context.Context, all []Missing) error {
	for _, m := range all {
		for m.from <= m.to {
			records, err := m.channel.Read(ctx, m.from, readEvents, readBytes)
			if err != nil {
				return fmt.Errorf("reading channel %s for the story of its events: %w", m.channel.Name(), err)
			}
			if len(records) == 0 {
				break
			}
			for _, r := range records {
				m.from = r.Seq + 1
				if e, err := event.Decode(r.Data); err == nil && r.Seq <= m.to {
					s.Accepted(e.ID, Accepted{Channel: m.channel.Name(), Seq: r.Seq, At: r.At})
				}
			}
		}
	}
	return nil
}
