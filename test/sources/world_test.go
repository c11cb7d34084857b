package sources

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/source"
)

// world is the channel and the report of a source that a test runs.
type world struct {
	mu     sync.Mutex
	refuse func(events []event.Event) error // of each Append; nil: it takes all
	kept   map[string]int                   // the data of events
	told   []string
}

func (w *world) Append(_ context.Context, events []event.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse != nil {
		if err := w.refuse(events); err != nil {
			return err
		}
	}
	for _, e := range events {
		w.kept[string(e.Data)]++
	}
	return nil
}

func (w *world) Accepted(int)    {}
func (w *world) Position(string) {}
func (w *world) Problem(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, fmt.Sprint(err))
}

func (w *world) setRefuse(refuse func([]event.Event) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuse = refuse
}

// count is how many different events are kept.
func (w *world) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.kept)
}

// last is what was told last.
func (w *world) last() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.told) == 0 {
		return ""
	}
	return w.told[len(w.told)-1]
}

// begin runs a source until the test, or stop, ends it.
func begin(t *testing.T, run source.Run, c source.Config) (w *world, stop func()) {
	t.Helper()
	w = &world{kept: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for { // as the runner does
			err := run(ctx, c, w, w)
			switch {
			case err == nil && ctx.Err() == nil:
				t.Error("the source ended by itself")
				return
			case err == nil:
				return
			case source.IsInvalid(err):
				w.Problem(errors.New("invalid: " + err.Error()))
				return
			}
			w.Problem(err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return w, stop
}

// until waits for something that takes seconds at most.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// tells waits until the source tells what has a text in it.
func (w *world) tells(t *testing.T, text string) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("it told %q", w.told)
		}
	}()
	until(t, "it tells "+text, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return slices.ContainsFunc(w.told, func(told string) bool { return strings.Contains(told, text) })
	})
}

// texts are n different ones.
func texts(prefix string, n int) []string {
	made := make([]string, n)
	for i := range made {
		made[i] = fmt.Sprintf("%s-%04d", prefix, i)
	}
	return made
}
