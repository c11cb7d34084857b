package source

import (
	"context"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Runner runs sources side by side, each once at a time: what has changed begins
// when what was before has ended. All its methods may be called at the same time.
type Runner struct {
	runs  map[string]Run
	sinks func(types.NamespacedName) (Sink, bool)
	log   *slog.Logger

	mu      sync.Mutex
	ctx     context.Context // of Run; nil before
	active  sync.WaitGroup
	sources map[types.NamespacedName]*running
}

// NewRunner makes a Runner, which begins with Run. runs has one for each Kind;
// sinks are the channels that are open.
func NewRunner(runs map[string]Run, sinks func(types.NamespacedName) (Sink, bool), log *slog.Logger) *Runner {
	return &Runner{runs: runs, sinks: sinks, log: log, sources: map[types.NamespacedName]*running{}}
}

// Status is how a source goes.
type Status struct {
	// Events, LastEvent and Position go on from those of its Config. LastEvent is
	// the zero time if this process has had none.
	Events    int64
	LastEvent time.Time
	Position  string
	// Problem is what goes wrong; nil: nothing. Invalid: it stays so until the spec
	// or a Secret changes.
	Problem error
	Invalid bool
	// Refused is why the channel did not take the last events; nil: it did.
	Refused error
}

// Run lets sources run until ctx ends, and returns when all have ended.
func (r *Runner) Run(ctx context.Context) error {
	r.mu.Lock()
	r.ctx = ctx
	for _, s := range r.sources {
		r.begin(s)
	}
	r.mu.Unlock()
	<-ctx.Done()
	r.active.Wait()
	return nil
}

// begin starts the goroutine of a source, unless Run has not begun or is over.
func (r *Runner) begin(s *running) {
	if r.ctx != nil && r.ctx.Err() == nil {
		r.active.Go(func() { s.loop(r.ctx) })
	}
}

// Set runs a source as its Config says; if it does so already, nothing happens.
// Position and Events of the Config count at first only, and where the object is
// another of the same name.
func (r *Runner) Set(c Config) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sources[c.Name]
	if s == nil {
		s = newRunning(r, c)
		r.sources[c.Name] = s
		r.begin(s)
		return
	}
	s.change(func() bool {
		same := s.state == runs && reflect.DeepEqual(c.Spec, s.config.Spec) && reflect.DeepEqual(c.Secrets, s.config.Secrets)
		if c.UID != s.config.UID {
			same = false
			s.status = Status{Events: c.Events, Position: c.Position}
		}
		s.state, s.config = runs, c
		return !same
	})
}

// Stop ends a source, which keeps its place, until it is set again.
func (r *Runner) Stop(name types.NamespacedName) { r.leave(name, stopped) }

// Remove ends a source and forgets it.
func (r *Runner) Remove(name types.NamespacedName) { r.leave(name, removed) }

func (r *Runner) leave(name types.NamespacedName, as state) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sources[name]
	if s == nil {
		return
	}
	if as == removed && (r.ctx == nil || r.ctx.Err() != nil) { // without a goroutine
		delete(r.sources, name)
		return
	}
	s.change(func() bool {
		before := s.state
		s.state = as
		return before != as
	})
}

// Status is how a source goes; false if there is none.
func (r *Runner) Status(name types.NamespacedName) (Status, bool) {
	r.mu.Lock()
	s := r.sources[name]
	r.mu.Unlock()
	if s == nil {
		return Status{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status, s.state != removed
}

// forget takes a source away that was removed and has ended, unless it was set
// again.
func (r *Runner) forget(s *running) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != removed {
		return false
	}
	delete(r.sources, s.name)
	s.unmeasure()
	return true
}
