package channel

import (
	"context"
	"fmt"
	"time"

	"github.com/headway-dev/headway/eventing/event"
)

// remember makes the events known again that are within the window, as far as there
// is room for them: those of r, and what else there is by reading the log, but not
// what was kept before a time, and had to make room for what other channels have kept
// since. It returns how many it has read. r is nil if nothing was written down, or,
// with a zero time, if it is not to be believed: then what a sender lost, and sends
// again, would count as kept.
func (c *Channel) remember(ctx context.Context, r *run, since time.Time) (read int, err error) {
	dedupe, now := c.settings.Load().Dedupe, c.store.opts.Now()
	c.store.seen.window(dedupe)
	st := c.State()
	if dedupe == 0 || st.First > st.Last {
		return 0, nil
	}
	if r == nil {
		r = &run{}
	}
	if r.last > st.Last {
		r, since = &run{}, time.Time{}
	}
	begin := st.First
	if r.last != st.Last || r.first > begin {
		if begin, err = c.SeqAt(ctx, now.Add(-dedupe)); err != nil {
			return 0, err
		}
	}
	if st.Last > maxSeen/2 {
		begin = max(begin, st.Last-maxSeen/2+1) // of more, nobody promises anything
	}
	older := begin
	if !since.IsZero() {
		if older, err = c.SeqAt(ctx, since); err != nil {
			return 0, err
		}
		if older = max(older, begin); r.last == 0 {
			begin = older
		}
	}
	// What is older than the run is not written down again: it is not its beginning.
	if read, err = c.readKnown(ctx, older, min(r.first, st.Last+1), now, nil); err != nil {
		return read, err
	}
	for _, known := range r.known {
		if at := time.Unix(int64(known.at), 0); now.Sub(at) <= dedupe {
			c.store.seen.found(known.key, at, now)
		}
	}
	more, err := c.readKnown(ctx, max(begin, r.last+1), st.Last+1, now, c.store.ids)
	return read + more, err
}

// readKnown makes known, and notes in ids, what the log has from number from on and
// before end.
func (c *Channel) readKnown(ctx context.Context, from, end uint64, now time.Time, ids *idFile) (read int, err error) {
	for from < end {
		records, err := c.Read(ctx, from, 1000, batchBytes)
		if err != nil {
			return read, err
		}
		f := run{first: from, last: end - 1} // nothing more, unless there is
		for _, r := range records {
			if r.Seq >= end {
				break
			}
			e, err := event.Decode(r.Data)
			if err != nil {
				return read, fmt.Errorf("event %d of channel %s: %w", r.Seq, c.name, err)
			}
			k := c.mark.of(e)
			c.store.seen.found(k, r.At, now)
			f.known = append(f.known, knownID{k, uint32(r.At.Unix())})
			f.last = r.Seq
		}
		read += len(f.known)
		ids.note(c.mark, f)
		from = f.last + 1
	}
	return read, nil
}
