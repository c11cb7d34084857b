package story

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
)

// TestCatchUp: a story that has begun anew finds the events that the channels have.
func TestCatchUp(t *testing.T) {
	o := options(t)
	s := open(t, o)
	channels, err := channel.Open(t.Context(), channel.Options{
		Dir: t.TempDir(), LowDisk: 1, Log: slog.New(slog.DiscardHandler),
		Kept: func(ctx context.Context, name channel.Name, first uint64, events []event.Event) {
			s.Kept(ctx, name, first, events)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer channels.Close()
	c, err := channels.Ensure(t.Context(), orders, channel.Settings{Keep: time.Hour, Size: 64 << 20, MaxEvent: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	send := func(from, to int) {
		t.Helper()
		var events []event.Event
		for i := from; i < to; i++ {
			events = append(events, event.Event{ID: fmt.Sprint(i), Source: "/test", Type: "order"})
		}
		if err := c.Append(WithSender(t.Context(), "somebody"), events); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string, id, by string) {
		t.Helper()
		found, more := s.Find("shop", id, 20)
		if len(found) != 1 || more != 0 || found[0].By != by {
			t.Errorf("%s: event %s is %v and %d more", when, id, found, more)
		}
	}
	send(0, 900)
	check("when it is sent", "0", "somebody")
	check("when it is sent", "899", "somebody")
	if missing := s.Missing(channels); len(missing) > 0 {
		t.Errorf("missing: %v", missing)
	}
	shut(t, s)
	if err := os.RemoveAll(o.Dir); err != nil {
		t.Fatal(err)
	}
	s = open(t, o)
	defer func() { shut(t, s) }()
	missing := s.Missing(channels)
	send(900, 901) // while it catches up
	if err := s.CatchUp(t.Context(), missing); err != nil {
		t.Fatal(err)
	}
	check("after it began anew", "0", "")
	check("after it began anew", "899", "")
	check("after it began anew", "900", "somebody")
}
