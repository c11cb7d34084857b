package decide

import (
	"slices"
	"time"
)

// Seen is what is known of a revision at the time of a decision.
type Seen struct {
	// Replicas is the number of pods that was asked for last.
	Replicas int
	// Ready is the number of pods that take requests.
	Ready int
	// EverReady is true once the revision has been ready.
	EverReady bool
	// Coming is what is about to come to it.
	Coming Coming
	// Reports holds one report for each activator with an open stream, also
	// of those that have nothing to say of this revision.
	Reports []Report
}

// Report is the newest word of one activator about one revision.
type Report struct {
	// Stream identifies the activator and its connection. The sums of
	// another stream start at zero.
	Stream string
	// At is when the activator was last heard of.
	At time.Time
	// InFlight and Queued are the requests in pods, and those that wait for
	// one.
	InFlight, Queued int
	// Requests is the sum of the requests that arrived on this stream.
	Requests uint64
	// Busy is the sum of the time that requests have spent in the activator
	// during this stream, waiting or in a pod.
	Busy time.Duration
}

// State is what a decision leaves for the next one of the same revision. The
// zero value is that of a revision never seen before. It is never modified;
// keep the returned one.
type State struct {
	since    time.Time // the history is complete from here on
	blind    time.Time // no activator is heard since; zero: one is
	lastBusy time.Time // there was a request, or a reason not to be idle
	lastDown time.Time // pods went
	replicas int       // as seen last

	history history
	streams []Report // the last one of each

	panicUntil time.Time
	panicPods  int

	comingUntil time.Time // pods for traffic that was to come are kept
	comingPods  int

	starting  time.Time // fewer pods than asked for are ready since
	readyTime time.Duration
	enough    []level // falling levels within the delay, the oldest first
}

// level is a number of pods that was wanted at a time.
type level struct {
	at   time.Time
	pods int
}

// load is the sum over the activators that can be heard.
type load struct {
	inFlight, queued int
	arrived          bool // since the last decision
	held             bool // an activator went silent with requests
	blind            bool // no activator can be heard
}

func (l load) any() bool { return l.inFlight > 0 || l.queued > 0 }

// observe takes in what was seen.
func (s *State) observe(spec Spec, seen Seen, now time.Time) load {
	if s.since.IsZero() {
		s.begin(spec, seen, now)
	}
	if seen.Replicas < s.replicas {
		s.lastDown = now
	}
	before := s.replicas
	s.replicas = seen.Replicas
	l := s.takeReports(seen.Reports, now)
	gap := s.gap(before, l.blind, now)
	if gap && !l.blind {
		s.since = later(s.since, now)
	}
	s.measureStart(seen, now)
	starting := !s.starting.IsZero() && now.Sub(s.starting) < startLimit
	if l.any() || l.arrived || l.held || starting || (gap && seen.Replicas > 0) {
		s.lastBusy = now
	}
	return l
}

// gap reports whether load may have been missed. That nobody decides while
// nothing moves is no gap, and a pause in the reports is made up for by their
// sums; a longer time without activators is not. Without pods nothing can be
// missed: a request that waits is reported when its activator is heard again.
func (s *State) gap(pods int, blind bool, now time.Time) bool {
	since := s.blind
	switch {
	case !blind:
		s.blind = time.Time{}
	case since.IsZero():
		s.blind = now
	}
	return pods > 0 && !since.IsZero() && now.Sub(since) > PanicWindow
}

// begin is the first sight of a revision. One that was never ready, or has no
// pods, has no history that could be missing.
func (s *State) begin(spec Spec, seen Seen, now time.Time) {
	s.since, s.lastBusy = now, now
	if !seen.EverReady || seen.Replicas == 0 {
		s.since = now.Add(-StableWindow)
	}
	if seen.Replicas == 0 {
		s.lastBusy = now.Add(-max(spec.Idle, spec.DownDelay))
	}
}

// takeReports adds what is new in the reports to the history.
func (s *State) takeReports(reports []Report, now time.Time) load {
	l := load{blind: true}
	streams := make([]Report, 0, len(reports))
	for _, r := range reports {
		r.InFlight, r.Queued, r.Busy = max(r.InFlight, 0), max(r.Queued, 0), max(r.Busy, 0)
		before := Report{At: r.At.Add(-Cadence)}
		if i := slices.IndexFunc(s.streams, func(o Report) bool { return o.Stream == r.Stream }); i >= 0 {
			before = s.streams[i]
		}
		if r.Requests > before.Requests || r.Busy > before.Busy {
			amount := second{busy: max(0, r.Busy-before.Busy).Seconds()}
			if r.Requests > before.Requests {
				amount.requests = float64(r.Requests - before.Requests)
				l.arrived = true
			}
			s.history.add(before.At, r.At, amount)
		}
		streams = append(streams, r)
		if now.Sub(r.At) > Expiry {
			// What it had may have ended, or may be a download that goes on: no
			// measure of the load, but a reason not to take the last pod.
			l.held = l.held || (r.InFlight > 0 || r.Queued > 0) && now.Sub(r.At) <= holdLimit
			continue
		}
		l.blind = false
		l.inFlight += r.InFlight
		l.queued += r.Queued
	}
	s.streams = streams
	return l
}

// measureStart learns how long this revision's pods take to become ready.
func (s *State) measureStart(seen Seen, now time.Time) {
	switch {
	case seen.Ready < seen.Replicas && s.starting.IsZero():
		s.starting = now
	case seen.Ready >= seen.Replicas && !s.starting.IsZero():
		took := min(now.Sub(s.starting), startLimit)
		if s.readyTime > 0 {
			took = (7*s.readyTime + 3*took) / 10
		}
		s.readyTime, s.starting = took, time.Time{}
	}
}

// highest returns the largest number of pods that was wanted within the delay,
// the present one included.
func (s *State) highest(pods int, delay time.Duration, now time.Time) int {
	enough := make([]level, 0, len(s.enough)+1)
	for _, e := range s.enough {
		if e.pods > pods && now.Sub(e.at) < delay {
			enough = append(enough, e)
		}
	}
	s.enough = append(enough, level{now, pods})
	return s.enough[0].pods
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
