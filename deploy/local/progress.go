package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/headway-dev/headway/deploy/command"
)

// patience is how long a step stays silent before it says what it waits for; it
// doubles with every time, up to maxPatience.
const (
	patience    = 5 * time.Second
	maxPatience = time.Minute
)

// maxLogLine is how many characters of a log's line an explanation shows.
const maxLogLine = 400

// step is one thing that up or down does. It looks at the real state and does
// nothing when that is already as wanted.
type step struct {
	name string
	// log is the program whose log explains a failure of the step; may be empty.
	log string
	run func(ctx context.Context, c *cluster, s *report) error
}

// progress prints what happens: a line when a step ends, and one now and then
// while it waits.
type progress struct {
	out   io.Writer
	start time.Time
	mu    sync.Mutex
}

func newProgress(out io.Writer) *progress { return &progress{out: out, start: time.Now()} }

func (p *progress) printf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "%6s  %s\n", clock(time.Since(p.start)), fmt.Sprintf(format, args...))
}

// clock shows a duration as minutes and seconds.
func clock(d time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

// report is how a running step tells about itself.
type report struct {
	progress *progress
	name     string
	mu       sync.Mutex
	waits    string
	done     string
}

// note prints a line at once.
func (r *report) note(format string, args ...any) {
	r.progress.printf("  %-18s %s", r.name, fmt.Sprintf(format, args...))
}

// waitFor names what the step waits for; it is printed when that takes long.
func (r *report) waitFor(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waits = what
}

// result is what the step's last line says.
func (r *report) result(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done = fmt.Sprintf(format, args...)
}

// tell prints what the step waits for until the context ends.
func (r *report) tell(ctx context.Context) {
	start := time.Now()
	for pause := patience; ; pause = min(2*pause, maxPatience) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		r.mu.Lock()
		waits := r.waits
		r.mu.Unlock()
		if waits != "" {
			r.note("%s, waiting for %s", clock(time.Since(start)), waits)
		}
	}
}

// runSteps runs the steps in order and stops at the first failure, which it
// explains with the last lines of the log that belongs to the step.
func runSteps(ctx context.Context, p *progress, c *cluster, steps []step) error {
	for _, s := range steps {
		if err := runStep(ctx, p, c, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func runStep(ctx context.Context, p *progress, c *cluster, s step) error {
	r := &report{progress: p, name: s.name}
	telling, stop := context.WithCancel(ctx)
	defer stop()
	go r.tell(telling)

	start := time.Now()
	err := s.run(ctx, c, r)
	elapsed := fmt.Sprintf("%.1fs", time.Since(start).Seconds())
	if err == nil {
		p.printf("ok  %-16s %6s  %s", s.name, elapsed, r.done)
		return nil
	}
	p.printf("FAILED %-13s %6s", s.name, elapsed)
	if s.log != "" {
		path := c.places.Log(s.log)
		// Also when the context has ended, as it has when somebody gave up.
		lines, missing := command.Output(exec.CommandContext(context.WithoutCancel(ctx), "tail", "-n20", path))
		if missing == nil && lines != "" {
			fmt.Fprintf(p.out, "\nthe last lines of %s:\n", path)
		}
		for line := range strings.Lines(lines) {
			fmt.Fprintf(p.out, "  %.*s\n", maxLogLine, strings.TrimSuffix(line, "\n"))
		}
	}
	return err
}

// poll repeats the check until it succeeds, the time is over or the context ends;
// the error is then the check's last one.
func poll(ctx context.Context, limit, every time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not there after %s: %w", limit, err)
		case <-time.After(every):
		}
	}
}
