package delivery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/event"
)

// Impossible is why a run cannot begin, for people.
type Impossible struct{ Reason string }

func (e *Impossible) Error() string { return e.Reason }

// bounds are the first and the last event of a run: none where last is less.
type bounds struct {
	first, last uint64
	note        string // what is missing at the beginning
}

// bounds finds where a run begins and ends. letters is what redrives have dealt
// with, nil for a replay.
func (r *Run) bounds(ctx context.Context, ch *channel.Channel, letters *cursor.Place) (b bounds, err error) {
	state := ch.State()
	b.last = state.Last
	oldest := max(state.First, 1)
	if r.Kind == Redrive {
		b.first = 1
		if !r.Again {
			b.first = letters.NextOpen(1)
		}
		if b.first < oldest {
			b.note = fmt.Sprintf("%d events of channel %s are gone from before number %d, the oldest that it keeps", oldest-b.first, r.Channel, oldest)
			b.first = oldest
		}
		return b, nil
	}
	if r.Until != "" {
		until, err := time.Parse(time.RFC3339, r.Until)
		if err != nil {
			return b, &Impossible{fmt.Sprintf("until is no time: %v", err)}
		}
		seq, err := ch.SeqAt(ctx, until)
		if err != nil {
			return b, err
		}
		b.last = min(b.last, seq-1)
	}
	id, isID := strings.CutPrefix(r.From, "id:")
	switch {
	case r.From == v1alpha1.FromEarliest:
		b.first = oldest
		return b, nil
	case isID:
		b.first, err = r.search(ctx, ch, id)
		return b, err
	}
	from, err := time.Parse(time.RFC3339, r.From)
	if err != nil {
		return b, &Impossible{fmt.Sprintf("from is no time: %v", err)}
	}
	if b.first, err = ch.SeqAt(ctx, from); err != nil {
		return b, err
	}
	if b.first == oldest && oldest > 1 {
		b.note, err = r.begins(ctx, ch, from, oldest)
	}
	return b, err
}

// begins says so if events of from on may be gone.
func (r *Run) begins(ctx context.Context, ch *channel.Channel, from time.Time, oldest uint64) (string, error) {
	records, err := ch.Read(ctx, oldest, 1, 1)
	if err != nil || len(records) == 0 || !records[0].At.After(from) {
		return "", err
	}
	return fmt.Sprintf("channel %s keeps events from %s on; up to %d older ones are gone",
		r.Channel, records[0].At.UTC().Format(time.RFC3339), oldest-1), nil
}

// search finds the oldest event with an id.
func (r *Run) search(ctx context.Context, ch *channel.Channel, id string) (uint64, error) {
	if r.Find != nil {
		if seq, ok := r.Find(ch.Name(), id); ok {
			return seq, nil
		}
	}
	for from := ch.State().First; ; {
		records, err := ch.Read(ctx, from, laneEvents, laneBytes)
		if err != nil {
			return 0, err
		}
		if len(records) == 0 {
			return 0, &Impossible{fmt.Sprintf("channel %s has no event with id %q, or does not keep it any more", r.Channel, id)}
		}
		for _, record := range records {
			if e, err := event.Decode(record.Data); err == nil && e.ID == id {
				return record.Seq, nil
			}
		}
		from = records[len(records)-1].Seq + 1
	}
}
