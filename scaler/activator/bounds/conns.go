package bounds

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Weights of connections, in units of Unit bytes each: what they cost at most
// while they are served, with their goroutines, buffers and the pod's side.
const (
	// Plain is one on the hot path.
	Plain = 1
	// NetHTTP is one that net/http serves, or an upgraded one, and a request
	// over HTTP/2.
	NetHTTP = 4
	// HTTP2 is one that speaks HTTP/2, with the bodies that may be on their way
	// on it, Window.
	HTTP2 = 12
	// Unit in bytes.
	Unit = 24 << 10
	// Window of a connection that speaks HTTP/2.
	Window = 256 << 10
)

// endAtOnce is the part of those that could be ended which are, so that to look
// for them costs little for each.
const endAtOnce = 16

// Conns are the connections of clients. They are charged to the app of their
// last request, and before the first one to nobody in particular.
type Conns struct {
	pool  *Pool
	bytes *Pool

	mu     sync.Mutex
	seats  map[*Seat]struct{}
	barren struct { // the last search for idle ones that has found none
		app   App
		until time.Time
	}
	ended atomic.Uint64
}

// noSearch is how long it is taken for granted that an app has no idle
// connections, after none was found: a search looks at all there are.
const noSearch = 20 * time.Millisecond

// Seat is the place of one connection. Its methods are called by the goroutine
// that serves the connection.
type Seat struct {
	// Memory is what the connection holds beyond its weight.
	Memory *Memory

	conns  *Conns
	close  func()
	idle   atomic.Int64 // since, in ns since 1970; busy or ended
	app    App          // guarded by conns.mu
	weight int64        // the same
}

const (
	busy  = 0
	ended = -1
)

// Enter gives a connection its place; nil if there is none. close ends the
// connection if it is idle when another one needs the place; it must not block.
func (c *Conns) Enter(close func()) *Seat {
	s := &Seat{conns: c, close: close, weight: Plain, Memory: &Memory{pool: c.bytes}}
	s.idle.Store(time.Now().UnixNano())
	if !c.take(App{}, Plain) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seats[s] = struct{}{}
	return s
}

// Idle is for a connection that waits for a request since now.
func (s *Seat) Idle(now time.Time) { s.idle.CompareAndSwap(busy, now.UnixNano()) }

// Busy is for a request that has come; false if the connection has been ended.
func (s *Seat) Busy() bool {
	for {
		since := s.idle.Load()
		if since == busy || since == ended {
			return since == busy
		}
		if s.idle.CompareAndSwap(since, busy) {
			return true
		}
	}
}

// For charges the connection to the app of its request; false if that has no
// room for it.
func (s *Seat) For(app App) bool {
	if s.app == app { // nobody else writes it
		return true
	}
	if !s.change(app, s.weight) {
		return false
	}
	s.Memory.For(app)
	return true
}

// Weigh changes what the connection counts; false if there is no room for it.
func (s *Seat) Weigh(weight int64) bool {
	if weight <= s.weight {
		return true // it has been more, and what that needed is not given back
	}
	c := s.conns
	if !c.take(s.app, weight-s.weight) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.weight = weight
	return true
}

func (s *Seat) change(app App, weight int64) bool {
	c := s.conns
	if !c.take(app, weight) {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pool.Give(s.app, s.weight)
	s.app, s.weight = app, weight
	return true
}

// Leave gives the place back, and all memory. A second time is fine.
func (s *Seat) Leave() {
	s.Memory.Free()
	c := s.conns
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(s)
}

// TryTake takes units for something beside a connection: a request over HTTP/2.
func (c *Conns) TryTake(app App, units int64) bool { return c.take(app, units) }

// Give returns them.
func (c *Conns) Give(app App, units int64) { c.pool.Give(app, units) }

// remove is called under c.mu.
func (c *Conns) remove(s *Seat) {
	if _, there := c.seats[s]; there {
		delete(c.seats, s)
		c.pool.Give(s.app, s.weight)
	}
}

// take ends idle connections if it has to.
func (c *Conns) take(app App, units int64) bool {
	for !c.pool.TryTake(app, units) {
		if !c.endIdle(app) {
			return false
		}
	}
	return true
}

// endIdle ends some of the connections that have been idle for the longest
// time: those of the app itself, or of anybody if the app has less than the
// others. It reports whether there were any.
func (c *Conns) endIdle(app App) bool {
	anybody := c.pool.Below(app)
	type idler struct {
		seat  *Seat
		since int64
	}
	var idlers []idler
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if c.barren.app == app && now.Before(c.barren.until) {
		return false
	}
	for s := range c.seats {
		if since := s.idle.Load(); since > busy && (anybody || s.app == app) {
			idlers = append(idlers, idler{s, since})
		}
	}
	slices.SortFunc(idlers, func(a, b idler) int { return cmp.Compare(a.since, b.since) })
	if len(idlers) > 0 {
		idlers = idlers[:1+len(idlers)/endAtOnce]
	}
	some := false
	for _, i := range idlers {
		if i.seat.idle.CompareAndSwap(i.since, ended) {
			c.remove(i.seat)
			c.ended.Add(1)
			i.seat.close()
			some = true
		}
	}
	if !some {
		c.barren.app, c.barren.until = app, now.Add(noSearch)
	}
	return some
}
