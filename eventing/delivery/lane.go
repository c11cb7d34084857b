package delivery

import (
	"context"
	"errors"
	"log/slog"
	"sort"
	"sync"
	"time"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
)

// item is an event of a channel in memory. event is nil if its record cannot be
// read.
type item struct {
	seq   uint64
	at    time.Time
	event *event.Event
	size  int64
}

// lane reads a channel for all subscriptions that have seen everything before:
// the followers. An event is offered only to those whose filter wants its type,
// so that a thousand others cost nothing.
type lane struct {
	channel *channel.Channel
	log     *slog.Logger
	cancel  context.CancelFunc // nil: it does not read

	// mu is held for moments only, and no other lock is taken under it.
	mu        sync.Mutex
	users     int    // subscriptions
	next      uint64 // everything before was offered
	offered   uint64 // events so far
	recent    []item // the newest ones without a gap, from the one after base
	base      uint64
	bytes     int64
	followers map[string]map[*subscription]follower // by type; "" is any
	following int
}

// follower is where a subscription began to follow.
type follower struct {
	next    uint64 // the first event that it has not seen; the lane may be behind
	offered uint64 // events before that
}

func newLane(c *channel.Channel, log *slog.Logger) *lane {
	last := c.State().Last
	return &lane{channel: c, log: log, next: last + 1, base: last, followers: map[string]map[*subscription]follower{}}
}

// run reads until ctx ends.
func (l *lane) run(ctx context.Context) {
	follower := l.channel.Follow(l.next - 1)
	defer follower.Close()
	for {
		records, last, err := follower.Next(ctx)
		if ctx.Err() != nil || errors.Is(err, channel.ErrRemoved) || errors.Is(err, channel.ErrClosed) {
			return
		}
		if err != nil {
			l.log.Error("cannot read new events", "channel", l.channel.Name(), "error", err)
			pause(ctx, storePause)
			continue
		}
		for _, wake := range l.offer(decode(records), last) {
			wake.to.arrived(wake.through, wake.passed)
		}
	}
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func decode(records []channel.Record) []item {
	items := make([]item, len(records))
	for i, r := range records {
		items[i] = item{seq: r.Seq, at: r.At, size: int64(len(r.Data))}
		if e, err := event.Decode(r.Data); err == nil {
			items[i].event = e
		}
	}
	return items
}

// arrival tells a follower of an event that it may want. It did not want the
// passed ones before, up to through.
type arrival struct {
	to              *subscription
	through, passed uint64
}

// offer takes the events up to last and returns the followers that have
// something to do now.
func (l *lane) offer(items []item, last uint64) (wake []arrival) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, it := range items {
		kind := ""
		if it.event != nil {
			kind = it.event.Type
		}
		for _, key := range []string{kind, ""} {
			for s, f := range l.followers[key] {
				if it.seq < f.next {
					l.followers[key][s] = follower{f.next, l.offered + 1}
					continue
				}
				wake = append(wake, arrival{s, it.seq - 1, l.offered - f.offered})
				delete(l.followers[key], s)
				l.following--
			}
		}
		l.offered++
		l.bytes += it.size
	}
	l.recent = append(l.recent, items...)
	l.next = last + 1
	for len(l.recent) > 0 && (l.bytes > laneBytes || len(l.recent) > laneEvents) {
		l.base = l.recent[0].seq
		l.bytes -= l.recent[0].size
		l.recent = l.recent[1:]
	}
	if l.following == l.users {
		l.forget()
	}
	return wake
}

// use counts a subscription more, or less, and returns how many there are.
func (l *lane) use(change int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users += change
	return l.users
}

// forget lets go of the newest events.
func (l *lane) forget() { l.recent, l.bytes, l.base = nil, 0, l.next-1 }

// from returns the newest events from seq on, and the number after the last one.
// known is false if older ones are needed: those before end.
func (l *lane) from(seq uint64) (items []item, end uint64, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seq <= l.base {
		return nil, l.base + 1, false
	}
	i := sort.Search(len(l.recent), func(i int) bool { return l.recent[i].seq >= seq })
	return l.recent[i:], l.next, true
}

// follow makes s a follower, if the lane has nothing from next on.
func (l *lane) follow(s *subscription, kind string, next uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next > next {
		return false
	}
	if l.followers[kind] == nil {
		l.followers[kind] = map[*subscription]follower{}
	}
	l.followers[kind][s] = follower{next, l.offered}
	if l.following++; l.following == l.users {
		l.forget() // nobody is about to send them
	}
	return true
}

// settle returns up to where a follower wanted nothing, and how many events that
// were; with leave it follows no longer. It is false if an event has come for it
// already: then it is told by arrived.
func (l *lane) settle(s *subscription, kind string, leave bool) (through, passed uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, ok := l.followers[kind][s]
	if !ok {
		return 0, 0, false
	}
	through = max(l.next, f.next) - 1
	if leave {
		delete(l.followers[kind], s)
		l.following--
	} else {
		l.followers[kind][s] = follower{through + 1, l.offered}
	}
	return through, l.offered - f.offered, true
}
