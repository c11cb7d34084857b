package status

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/cmd/headway/events"
)

// eventStory is the answer to why about an event.
type eventStory struct{ *explain.EventStory }

// whyEvent asks about an event; known is false if there is none with this id.
func whyEvent(ctx context.Context, c *cli.Cluster, id string, data bool) (found answer, known bool, err error) {
	story, err := events.Story(ctx, c, id, data)
	if err != nil {
		return nil, false, err
	}
	return eventStory{story}, len(story.Events) > 0, nil
}

// unknownEvent is the error for an id that no event has.
func unknownEvent(found answer) error {
	story := found.(eventStory)
	text := cli.Printable(story.Text(), 1000)
	if len(story.Channels) == 0 {
		return fmt.Errorf("%s. No channel there has an event", text)
	}
	for _, c := range story.Channels {
		if c.Oldest.IsZero() {
			text += fmt.Sprintf("\n  channel %s has no event", c.Name)
		} else {
			text += fmt.Sprintf("\n  channel %s has events from %s on", c.Name, c.Oldest.Format(time.RFC3339))
		}
	}
	return fmt.Errorf("%s", text)
}

// write is the sentence, then each event with what subscriptions have done with it.
func (a eventStory) write(w io.Writer, v view) {
	_, _ = fmt.Fprintln(w, v.paint.Bold(cli.Printable(a.Text(), 1000)))
	if a.Earlier > 0 {
		_, _ = fmt.Fprintf(w, "%d earlier events with this id are not shown.\n", a.Earlier)
	}
	for i := range a.Events {
		v.writeEvent(w, &a.Events[i])
	}
}

func (v view) writeEvent(w io.Writer, e *explain.StoredEvent) {
	var g cli.Grid
	row := func(title, text string) { g.Row(cli.Plain(title), cli.Plain(cli.Printable(text, 1000))) }
	_, _ = fmt.Fprintln(w)
	row("Channel", fmt.Sprintf("%s, number %d", e.Channel, e.Sequence))
	row("Accepted", fmt.Sprintf("%s, %s", e.Accepted.UTC().Format(time.RFC3339Nano), e.Sender()))
	if e.Gone {
		row("Event", "gone: the channel does not keep it any more")
	} else {
		row("Event", fmt.Sprintf("%s from %s, %s of data", e.Type, e.Source, explain.Bytes(int64(e.Bytes))))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Attributes)) {
		row("  "+name, e.Attributes[name])
	}
	g.Write(w)
	if data := events.Data(e); data != "" {
		_, _ = fmt.Fprintln(w, data)
	}
	for i := range e.Deliveries {
		v.writeDelivery(w, &e.Deliveries[i])
	}
}

func (v view) writeDelivery(w io.Writer, d *explain.EventDelivery) {
	to := ""
	if d.Target != "" {
		to = " to " + cli.Printable(d.Target, 200)
	}
	_, _ = fmt.Fprintf(w, "\n  %s%s: %s\n", cli.Printable(d.Subscription, 100), to, cli.Printable(d.Words(v.now), 1000))
	if d.Filter != "" && d.Verdict == "" {
		_, _ = fmt.Fprintf(w, "    filter %s: matches\n", cli.Printable(d.Filter, 300))
	} else if d.Filter != "" {
		_, _ = fmt.Fprintf(w, "    filter %s: %s\n", cli.Printable(d.Filter, 300), cli.Printable(d.Verdict, 300))
	}
	if d.Problem != "" && d.State != explain.EventUnknown && d.State != explain.EventPaused {
		_, _ = fmt.Fprintf(w, "    now: %s\n", cli.Printable(d.Problem, 500))
	}
	last := 0
	for i := range d.Attempts {
		attempt := &d.Attempts[i]
		if attempt.Run == "" && attempt.Number > last+1 && last > 0 {
			_, _ = fmt.Fprintf(w, "    …\n")
		}
		if attempt.Run == "" {
			last = attempt.Number
		}
		_, _ = fmt.Fprintf(w, "    %d  %s  %s\n", attempt.Number, attempt.At.UTC().Format("2006-01-02 15:04:05.000"), cli.Printable(attempt.Words(), 500))
	}
}
