package source

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// shortestPause is the one after the first failure; each further one doubles it,
// to v1alpha1.MaxSourcePause.
const shortestPause = time.Second

// errEnded is of a run that was ended, as it is out of date.
var errEnded = errors.New("it was ended")

// state is what a source is wanted to do.
type state int

const (
	runs state = iota
	stopped
	removed
)

// running is one source, and the Report of its kind.
//
//	runs ⇄ stopped
//	  ⇅       ⇅
//	   removed ─▶ forgotten, when its run has ended
type running struct {
	runner *Runner
	name   types.NamespacedName
	// changed has one when the run that goes on, or a pause, is out of date.
	changed chan struct{}

	mu     sync.Mutex
	state  state
	config Config
	status Status
	end    context.CancelFunc // of the run that goes on
}

func newRunning(r *Runner, c Config) *running {
	return &running{
		runner: r, name: c.Name, config: c, changed: make(chan struct{}, 1), end: func() {},
		status: Status{Events: c.Events, Position: c.Position},
	}
}

// change ends the run if do says that it is out of date.
func (s *running) change(do func() bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !do() {
		return
	}
	s.status.Refused = nil
	s.problem(nil)
	s.end()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// loop runs a source again and again until ctx ends or it is removed.
func (s *running) loop(ctx context.Context) {
	pause := shortestPause
	for ctx.Err() == nil {
		wait := time.Duration(-1) // until it changes
		switch config, run, end := s.next(ctx); {
		case run != nil:
			began := time.Now()
			err := run(config)
			end()
			if ctx.Err() != nil {
				return
			}
			if time.Since(began) > v1alpha1.MaxSourcePause {
				pause = shortestPause
			}
			if s.ended(err) {
				wait = pause/2 + rand.N(pause/2)
				pause = min(2*pause, v1alpha1.MaxSourcePause)
			}
		case s.runner.forget(s):
			return
		}
		if s.wait(ctx, wait) {
			pause = shortestPause
		}
	}
}

// next is what is to be run; nil: nothing.
func (s *running) next(ctx context.Context) (Config, func(Config) error, context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.changed: // it is looked at now
	default:
	}
	if s.state != runs {
		return Config{}, nil, nil
	}
	ctx, s.end = context.WithCancel(ctx)
	config := s.config
	config.Position, config.Events = s.status.Position, s.status.Events
	return config, func(c Config) error {
		run := s.runner.runs[Kind(&c.Spec)]
		if run == nil {
			return &Invalid{"there is no such kind of source in this version"}
		}
		if err := checkExtensions(c.Spec.Extensions); err != nil {
			return err
		}
		err := run(ctx, c, sink{s, c.Spec.Extensions, types.NamespacedName{Namespace: c.Name.Namespace, Name: c.Spec.Channel}}, s)
		if ctx.Err() != nil {
			return errEnded // whatever it says
		}
		return err
	}, s.end
}

// ended notes how a run has ended, and reports whether it is to be run again after
// a pause.
func (s *running) ended(err error) bool {
	if errors.Is(err, errEnded) {
		return false
	}
	if err == nil {
		err = errors.New("it has ended by itself")
	}
	s.Problem(err)
	return !IsInvalid(err)
}

// wait until it changes, which is reported, or ctx ends, or d is over; less than 0
// is for ever.
func (s *running) wait(ctx context.Context, d time.Duration) (changed bool) {
	var over <-chan time.Time
	if d >= 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-s.changed:
		return true
	case <-over:
	case <-ctx.Done():
	}
	return false
}

// Accepted is of Report.
func (s *running) Accepted(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > 0 {
		s.status.Events += int64(n)
		s.status.LastEvent = time.Now()
		taken.WithLabelValues(s.name.Namespace, s.name.Name).Add(float64(n))
	}
}

// Position is of Report.
func (s *running) Position(p string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Position = p
}

// Problem is of Report.
func (s *running) Problem(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problem(err)
}

// problem needs the lock.
func (s *running) problem(err error) {
	is := 0.0
	if err != nil {
		is = 1
		if s.status.Problem == nil {
			s.runner.log.Warn("a source of events fails", "source", s.name, "error", err)
		}
	}
	failing.WithLabelValues(s.name.Namespace, s.name.Name).Set(is)
	s.status.Problem, s.status.Invalid = err, IsInvalid(err)
}

// refused notes why the channel did not take events; nil: it did.
func (s *running) refused(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Refused = err
}

// SourceOf is the attribute source of events whose protocol does not give one.
func SourceOf(name types.NamespacedName) string {
	return fmt.Sprintf("/headway/%s/sources/%s", name.Namespace, name.Name)
}
