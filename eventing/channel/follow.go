package channel

import "context"

// What a Follower holds at most of the events that were accepted and that it was not
// asked for yet. What is beyond that it reads from the log.
const (
	heldEvents = 1024
	heldBytes  = 1 << 20
)

// Follower returns the events of a channel in order, as they come: from memory, if
// this process has just accepted them, as reading them back costs more than writing
// them did; else from the log. It is for one goroutine.
type Follower struct {
	channel *Channel
	next    uint64 // the first number that was not returned

	// These belong to the channel, under its mu.
	from  uint64 // held is all that there is from this number on
	held  []Record
	bytes int
}

// Follow returns a Follower of the events after a number. Close has to be called.
func (c *Channel) Follow(after uint64) *Follower {
	f := &Follower{channel: c, next: after + 1}
	c.mu.Lock()
	defer c.mu.Unlock()
	f.from = c.known.Last + 1
	c.followers[f] = struct{}{}
	return f
}

// followed reports whether anybody follows.
func (c *Channel) followed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.followers) > 0
}

// Close lets go of what is held.
func (f *Follower) Close() {
	f.channel.mu.Lock()
	defer f.channel.mu.Unlock()
	delete(f.channel.followers, f)
}

// Next waits for events and returns them, at least one unless what there was is
// gone by now, and through, the number up to which there are no others. At most
// heldEvents come at a time; of more than heldBytes only the first. Errors:
// ErrRemoved, ErrClosed, the context's, and those of reading the log, after which
// Next can be called again.
func (f *Follower) Next(ctx context.Context) (records []Record, through uint64, err error) {
	if err := f.channel.Wait(ctx, f.next-1); err != nil {
		return nil, 0, err
	}
	records, through, fromLog := f.take()
	if fromLog {
		if records, err = f.channel.Read(ctx, f.next, heldEvents, heldBytes); err != nil {
			return nil, 0, err
		}
		for len(records) > 0 && records[len(records)-1].Seq > through {
			records = records[:len(records)-1] // they are held
		}
		// Read stops at its bounds, else only at the end.
		if len(records) > 0 {
			through = records[len(records)-1].Seq
		}
	}
	f.next = through + 1
	return records, through, nil
}

// take takes what is held. Where there is something before, that has to be read from
// the log first, up to through.
func (f *Follower) take() (records []Record, through uint64, fromLog bool) {
	c := f.channel
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.next < f.from {
		return nil, f.from - 1, true
	}
	records, through = f.held, c.known.Last
	f.held, f.bytes, f.from = nil, 0, through+1
	return records, through, false
}

// offer has followers hold records that are in the log now as the newest ones; none:
// there are newer ones up to last, which have to be read. Called with mu held.
func (c *Channel) offer(records []Record, last uint64) {
	for f := range c.followers {
		for _, r := range records {
			f.bytes += len(r.Data)
		}
		if len(records) == 0 || len(f.held)+len(records) > heldEvents || f.bytes > heldBytes {
			f.held, f.bytes, f.from = nil, 0, last+1
			continue
		}
		f.held = append(f.held, records...)
	}
}
