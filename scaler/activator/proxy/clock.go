package proxy

import (
	"sync"
	"time"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/stats"
)

// clock bounds how long one side of a request keeps the other one waiting,
// from the request's head to the start of its response:
//
//	turn    whose it is                                   bound    late
//	app     at first, whenever a part of the body has     Timeout  answer.ErrTimeout
//	        come, and when it is complete
//	client  while the next part of the body is waited for  Stall    answer.ErrStalled
//
// Time begins anew with each turn, so an upload may last for ever as long as
// it moves. Waiting for a pod is the app's turn.
type clock struct {
	app, client time.Duration
	expire      func(late error)
	wait        *stats.Wait // is told whose turn it is

	mu    sync.Mutex
	timer *time.Timer
	until time.Time
	late  error // nil: the clock has stopped
}

// startClock starts with the app's turn. wait is told of the turns; expire is called once, in a goroutine
// of its own, if a turn takes too long.
func startClock(rev *backend.Revision, wait *stats.Wait, expire func(late error)) *clock {
	c := &clock{app: rev.Timeout, client: rev.Stall, wait: wait, expire: expire, late: answer.ErrTimeout, until: time.Now().Add(rev.Timeout)}
	c.mu.Lock() // for timer
	defer c.mu.Unlock()
	c.timer = time.AfterFunc(c.app, c.up)
	return c
}

func (c *clock) appsTurn() {
	if c.turn(c.app, answer.ErrTimeout) {
		c.wait.Begin(time.Now())
	}
}

func (c *clock) clientsTurn() {
	if c.turn(c.client, answer.ErrStalled) {
		c.wait.Pause()
	}
}

// turn is false once the clock has stopped.
func (c *clock) turn(most time.Duration, late error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.late == nil {
		return false
	}
	c.late, c.until = late, time.Now().Add(most)
	c.timer.Reset(most)
	return true
}

func (c *clock) up() {
	if late := c.expired(); late != nil {
		c.expire(late)
	}
}

func (c *clock) expired() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.until) {
		return nil // the turn has changed in this moment, and the timer runs anew
	}
	late := c.late
	c.late = nil
	return late
}

// since is when the app's last turn began, or begin if that is later: when it
// had a pod.
func (c *clock) since(begin time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if turn := c.until.Add(-c.app); turn.After(begin) {
		return turn
	}
	return begin
}

// stop stops the clock; false if it has expired or was stopped before.
func (c *clock) stop() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	ran := c.late != nil
	c.late = nil
	c.timer.Stop()
	return ran
}
