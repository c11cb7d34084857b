package eventing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/cursor"
)

// Where several processes share a store, one of them leads: it accepts, runs
// sources and delivers, and the others forward to it. It is the one that has
// opened the log of cursors last, which is what makes it safe: nothing that
// another one writes there counts any more. The messages below only keep the
// others from trying, and tell them where to forward to. The API server has no
// part in it: events flow while that is away.
//
// The timing is that of the autoscaler. A leader that is killed is missed after
// silence; one that stops in order says so.
const (
	leaderSubject = "headway.leader"
	beatPause     = 500 * time.Millisecond
	silence       = 3 * time.Second
)

// beat is what a leader says.
type beat struct {
	// Claim of its log of cursors: the greatest one leads.
	Claim uint64 `json:"claim"`
	// URL and Outside are those of its ingress for the other processes. No URL: it
	// has stopped.
	URL     string `json:"url"`
	Outside string `json:"outside"`
}

// errLost is why a leader ends, and starts again as one of the others.
var errLost = errors.New("another process delivers the events now")

// election is this process's part in it.
type election struct {
	server  *channel.Server
	self    beat       // without the claim
	follow  func(beat) // is told of who leads
	beats   chan beat
	claim   uint64 // once it leads
	stop    context.CancelFunc
	beating sync.WaitGroup
}

// listen hears the leader from now on.
func (e *election) listen() error {
	e.beats = make(chan beat, 16)
	_, err := e.server.JetStream().Conn().Subscribe(leaderSubject, func(m *nats.Msg) {
		var b beat
		if json.Unmarshal(m.Data, &b) != nil {
			return
		}
		select {
		case e.beats <- b:
		default: // the next one comes soon
		}
	})
	if err != nil {
		return fmt.Errorf("listening to the leader: %w", err)
	}
	return nil
}

// win returns the log of cursors once this process leads.
func (e *election) win(ctx context.Context) (*cursor.Store, error) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	known := uint64(0)
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case b := <-e.beats:
			known = max(known, b.Claim)
			e.follow(b)
			if b.URL == "" {
				timer.Reset(0)
			} else {
				timer.Reset(patience())
			}
			continue
		case <-timer.C:
		}
		e.follow(beat{})
		cursors, err := cursor.OpenLog(ctx, e.server.JetStream(), e.server.Replicas(), known, time.Now)
		if err == nil {
			e.claim = cursors.Claim()
			e.beat(ctx)
			slog.Info("this process accepts and delivers events now", "claim", e.claim)
			return cursors, nil
		}
		timer.Reset(beatPause)
		var claimed *cursor.Claimed
		if errors.As(err, &claimed) { // it gets the time to be heard
			known = claimed.Claim
			timer.Reset(patience())
		}
		slog.Info("this process does not accept events yet", "reason", err)
	}
}

// patience is how long nothing may be heard of a leader; not the same for all, so
// that one of them is the first to try.
func patience() time.Duration { return silence + rand.N(beatPause) }

// beat says that this process leads, until resign: also while it opens what it
// leads.
func (e *election) beat(ctx context.Context) {
	ctx, e.stop = context.WithCancel(context.WithoutCancel(ctx))
	e.beating.Go(func() {
		tick := time.NewTicker(beatPause)
		defer tick.Stop()
		for {
			e.say(beat{e.claim, e.self.URL, e.self.Outside})
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
}

// hold returns when ctx ends, or when another process leads: errLost.
func (e *election) hold(ctx context.Context, cursors *cursor.Store) error {
	tick := time.NewTicker(beatPause)
	defer tick.Stop()
	for {
		select {
		case b := <-e.beats:
			if b.Claim > e.claim {
				return errLost
			}
		case <-tick.C:
			if errors.Is(cursors.Healthy(), cursor.ErrDeposed) {
				return errLost
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// resign has another process lead at once.
func (e *election) resign() {
	if e.claim > 0 {
		e.stop()
		e.beating.Wait()
		e.say(beat{Claim: e.claim})
		_ = e.server.JetStream().Conn().FlushTimeout(time.Second) // else they wait for silence
	}
}

func (e *election) say(b beat) {
	data, err := json.Marshal(b)
	if err == nil {
		err = e.server.JetStream().Conn().Publish(leaderSubject, data)
	}
	if err != nil {
		slog.Warn("telling other processes of this one", "err", err)
	}
}
