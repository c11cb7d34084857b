// Package cron makes an event at each time of a schedule.
//
// It promises one event for each time, however often the clock is put back or the
// process starts again: what was made already has the id of before, and is not made
// again. Times that nobody was there for are made up for as catchUp says. It does
// not promise punctuality below lookAgain when the clock is changed.
package cron

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/cron"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/source"
)

const (
	// lookAgain is how long a timer runs at most: it does not see that the clock was
	// changed.
	lookAgain = 30 * time.Second
	// refusedPause is how long to wait when the channel has not taken an event.
	refusedPause = time.Second
)

// Run returns how a source of this kind is run on a clock.
func Run(now func() time.Time) source.Run {
	return func(ctx context.Context, c source.Config, sink source.Sink, report source.Report) error {
		r, err := newRun(c, sink, report)
		if err != nil {
			return err
		}
		r.now = func() time.Time { return now().Round(0) } // as the clock on the wall shows it
		r.loop(ctx)
		return nil
	}
}

// run is one run of a source.
type run struct {
	source.Config
	now      func() time.Time
	sink     source.Sink
	report   source.Report
	schedule *cron.Schedule
	zone     *time.Location
	common   event.Event // what all events have
}

func newRun(c source.Config, sink source.Sink, report source.Report) (*run, error) {
	spec := c.Spec.Cron
	schedule, err := cron.Parse(spec.Schedule)
	if err != nil {
		return nil, &source.Invalid{Reason: fmt.Sprintf("schedule %q: %s", spec.Schedule, err)}
	}
	zone, err := cron.Zone(spec.TimeZone)
	if err != nil {
		return nil, &source.Invalid{Reason: "timeZone: " + err.Error()}
	}
	r := &run{Config: c, sink: sink, report: report, schedule: schedule, zone: zone}
	r.common = event.Event{Source: source.SourceOf(c.Name), Type: v1alpha1.CronEventType}
	if spec.Data != "" {
		r.common.Data, r.common.DataContentType = []byte(spec.Data), "text/plain"
		if json.Valid(r.common.Data) {
			r.common.DataContentType = "application/json"
		}
	}
	return r, nil
}

// loop makes events until ctx ends.
func (r *run) loop(ctx context.Context) {
	at := r.readPosition()
	r.report.Problem(nil)
	for ctx.Err() == nil {
		if from := begin(at, r.now()); !from.Equal(at) {
			at = from
			r.writePosition(at)
		}
		events, last := due(r.next, at, r.now(), r.Spec.Cron.CatchUp)
		for _, t := range events {
			if !r.make(ctx, t) {
				return
			}
			r.writePosition(t)
		}
		if !last.Equal(at) {
			at = last
			r.writePosition(at)
		}
		sleep(ctx, min(lookAgain, r.next(at).Sub(r.now())))
	}
}

func (r *run) next(after time.Time) time.Time { return r.schedule.Next(after, r.zone) }

// make has the channel keep the event of a time, and tries until it does; false is
// returned if ctx has ended before.
func (r *run) make(ctx context.Context, t time.Time) bool {
	e := r.common
	e.Time = t.UTC().Format(time.RFC3339)
	e.ID = r.Name.Namespace + "/" + r.Name.Name + "/" + e.Time
	for {
		err := r.sink.Append(ctx, []event.Event{e})
		switch {
		case ctx.Err() != nil:
			return false
		case err == nil:
			r.report.Accepted(1)
			r.report.Problem(nil)
			return true
		case errors.As(err, new(*channel.TooLarge)): // for ever
			r.report.Problem(fmt.Errorf("the event of %s was dropped: %w", e.Time, err))
			return true
		}
		r.report.Problem(fmt.Errorf("the event of %s waits: %w", e.Time, err))
		sleep(ctx, refusedPause)
	}
}

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// A position is a time, its zone and its schedule: those of another schedule have
// not been missed.
func (r *run) writePosition(t time.Time) {
	r.report.Position(t.UTC().Format(time.RFC3339) + r.positionEnd())
}

// readPosition is the time of the position; the zero time if there is none.
func (r *run) readPosition() time.Time {
	text, ok := strings.CutSuffix(r.Position, r.positionEnd())
	t, err := time.Parse(time.RFC3339, text)
	if !ok || err != nil {
		return time.Time{}
	}
	return t
}

func (r *run) positionEnd() string {
	return " " + r.zone.String() + " " + strings.Join(strings.Fields(r.Spec.Cron.Schedule), " ")
}
