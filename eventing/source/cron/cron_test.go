package cron

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/cron"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/source"
)

func TestCatchUp(t *testing.T) {
	schedule, err := cron.Parse("*/10 * * * *")
	if err != nil {
		t.Fatal(err)
	}
	minutes, err := cron.Parse("* * * * *")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name     string
		schedule *cron.Schedule
		down     time.Duration // since 10:05
		catchUp  v1alpha1.CatchUp
		want     int
		newest   string
	}{
		{"an hour down", schedule, time.Hour, v1alpha1.CatchUpNone, 0, ""},
		{"an hour down", schedule, time.Hour, v1alpha1.CatchUpLast, 1, "11:00"},
		{"an hour down", schedule, time.Hour, v1alpha1.CatchUpAll, 6, "11:00"},
		{"until a moment after a time", schedule, 55*time.Minute + 20*time.Second, v1alpha1.CatchUpNone, 1, "11:00"},
		{"until a moment after a time", schedule, 55*time.Minute + 20*time.Second, v1alpha1.CatchUpLast, 1, "11:00"},
		{"until a time", schedule, 55 * time.Minute, v1alpha1.CatchUpAll, 6, "11:00"},
		{"until before a time", schedule, 4 * time.Minute, v1alpha1.CatchUpAll, 0, ""},
		{"for a week", minutes, 7 * 24 * time.Hour, v1alpha1.CatchUpAll, v1alpha1.MaxCatchUp, "10:05"},
		{"for a week", minutes, 7 * 24 * time.Hour, v1alpha1.CatchUpLast, 1, "10:05"},
	} {
		t.Run(fmt.Sprintf("%s, %s", tc.name, tc.catchUp), func(t *testing.T) {
			position := time.Date(2026, 5, 4, 10, 5, 0, 0, time.UTC)
			next := func(after time.Time) time.Time { return tc.schedule.Next(after, time.UTC) }
			got, last := due(next, position, position.Add(tc.down), tc.catchUp)
			newest := ""
			if len(got) > 0 {
				newest = got[len(got)-1].Format("15:04")
			}
			if len(got) != tc.want || newest != tc.newest {
				t.Errorf("%d events, the newest of %q; want %d, %q", len(got), newest, tc.want, tc.newest)
			}
			if again, _ := due(next, last, position.Add(tc.down), tc.catchUp); len(again) > 0 {
				t.Errorf("due once more: %v", again)
			}
		})
	}
}

// world is what a source has around it: a channel, a clock that can be put, and
// what is remembered of it.
type world struct {
	testing.TB
	ahead atomic.Int64 // by which the clock is, in nanoseconds

	mu       sync.Mutex
	refuse   error
	events   []string // ids without the name
	kept     []event.Event
	position string
	problem  error
	taken    int
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

func (w *world) Append(_ context.Context, events []event.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse != nil {
		return w.refuse
	}
	for _, e := range events {
		if err := e.Validate(); err != nil {
			w.Error(err)
		}
		w.events = append(w.events, strings.TrimPrefix(e.ID, "shop/nightly/"))
		w.kept = append(w.kept, e)
	}
	return nil
}
func (w *world) Accepted(n int)    { w.taken += n }
func (w *world) Position(p string) { w.position = p }
func (w *world) Problem(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problem = err
}

// run runs a source for a while, as it goes on from what is remembered.
func (w *world) run(spec v1alpha1.CronSource, d time.Duration, during ...func()) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), d)
	defer cancel()
	for _, f := range during {
		go f()
	}
	config := source.Config{Name: types.NamespacedName{Namespace: "shop", Name: "nightly"}, Spec: v1alpha1.SourceSpec{Cron: &spec}, Position: w.position}
	if err := Run(w.now)(ctx, config, w, w); err != nil {
		w.Error(err)
	}
}

// want compares the ids that came since it was last called.
func (w *world) want(name string, ids ...string) {
	w.Helper()
	if diff := cmp.Diff(ids, w.events); diff != "" {
		w.Errorf("%s (-want +got)\n%s", name, diff)
	}
	w.events = nil
}

// bubble begins at 2000-01-01 00:00 UTC.
func bubble(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) { test(&world{TB: t}) })
}

func TestRun(t *testing.T) {
	bubble(t, func(w *world) {
		spec := v1alpha1.CronSource{Schedule: "0 3 * * *", TimeZone: "Europe/Berlin", Data: `{"full": true}`}
		w.run(spec, 48*time.Hour+time.Minute)
		w.want("two days", "2000-01-01T02:00:00Z", "2000-01-02T02:00:00Z")
		want := event.Event{
			ID: "shop/nightly/2000-01-01T02:00:00Z", Source: "/headway/shop/sources/nightly", Type: "dev.headway.cron.fired",
			Time: "2000-01-01T02:00:00Z", DataContentType: "application/json", Data: []byte(`{"full": true}`),
		}
		if diff := cmp.Diff(want, w.kept[0]); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if w.taken != 2 || w.problem != nil || w.position != "2000-01-02T02:00:00Z Europe/Berlin 0 3 * * *" {
			t.Errorf("%d taken, problem %v, position %q", w.taken, w.problem, w.position)
		}
		spec.Schedule, spec.Data = " 0  1 * * * ", "full"
		w.run(spec, time.Hour)
		w.want("nothing of another schedule was missed")
		w.run(spec, 24*time.Hour)
		w.want("the other schedule", "2000-01-04T00:00:00Z")
		if got := w.kept[2]; got.DataContentType != "text/plain" || string(got.Data) != "full" {
			t.Errorf("got %+v", got)
		}
	})
}

func TestPunctual(t *testing.T) {
	bubble(t, func(w *world) {
		w.run(v1alpha1.CronSource{Schedule: "*/5 * * * *"}, 10*time.Minute+time.Millisecond)
		w.want("at the time", "2000-01-01T00:05:00Z", "2000-01-01T00:10:00Z")
	})
}

// TestDown: what was missed is made up for as catchUp says, also what came before
// the first event.
func TestDown(t *testing.T) {
	for catchUp, want := range map[v1alpha1.CatchUp][]string{
		v1alpha1.CatchUpNone: nil,
		v1alpha1.CatchUpLast: {"2000-01-01T01:00:00Z"},
		"":                   {"2000-01-01T01:00:00Z"},
		v1alpha1.CatchUpAll:  {"2000-01-01T00:10:00Z", "2000-01-01T00:20:00Z", "2000-01-01T00:30:00Z", "2000-01-01T00:40:00Z", "2000-01-01T00:50:00Z", "2000-01-01T01:00:00Z"},
	} {
		t.Run(string(catchUp), func(t *testing.T) {
			bubble(t, func(w *world) {
				spec := v1alpha1.CronSource{Schedule: "*/10 * * * *", CatchUp: catchUp}
				w.run(spec, 5*time.Minute)
				time.Sleep(time.Hour)
				w.run(spec, time.Minute)
				w.want("an hour down", want...)
			})
		})
	}
}

// TestClockIsPut back: a time does not come twice; but if it was put back by more
// than hours, what it showed before was wrong. Put forward, times are missed.
func TestClockIsPut(t *testing.T) {
	spec := v1alpha1.CronSource{Schedule: "*/10 * * * *"}
	by := func(w *world, after, d time.Duration) func() {
		return func() {
			time.Sleep(after)
			w.ahead.Add(int64(d))
		}
	}
	bubble(t, func(w *world) {
		w.run(spec, 76*time.Minute, by(w, 15*time.Minute, -55*time.Minute))
		w.want("back by an hour", "2000-01-01T00:10:00Z", "2000-01-01T00:20:00Z")
	})
	bubble(t, func(w *world) {
		w.run(spec, 31*time.Minute, by(w, 15*time.Minute, -24*time.Hour))
		w.want("back by a day", "2000-01-01T00:10:00Z", "1999-12-31T00:20:00Z", "1999-12-31T00:30:00Z")
	})
	bubble(t, func(w *world) {
		w.run(spec, 16*time.Minute, by(w, 15*time.Minute, time.Hour))
		w.want("forward by an hour", "2000-01-01T00:10:00Z", "2000-01-01T01:10:00Z")
	})
	bubble(t, func(w *world) {
		w.position = "2036-02-07T06:20:00Z UTC */10 * * * *"
		w.run(spec, 15*time.Minute)
		w.want("a position of a wrong clock", "2000-01-01T00:10:00Z")
	})
}

// TestRefused: an event waits until its channel takes it, and those after it are
// missed meanwhile.
func TestRefused(t *testing.T) {
	bubble(t, func(w *world) {
		w.refuse = &channel.Full{RetryAfter: time.Minute}
		w.run(v1alpha1.CronSource{Schedule: "*/10 * * * *"}, 49*time.Minute, func() {
			time.Sleep(30 * time.Minute)
			w.mu.Lock()
			if w.problem == nil || !strings.Contains(w.problem.Error(), "the event of 2000-01-01T00:10:00Z waits: ") {
				t.Errorf("the problem is %v", w.problem)
			}
			w.mu.Unlock()
			time.Sleep(5 * time.Minute)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.refuse = nil
		})
		w.want("once there is room", "2000-01-01T00:10:00Z", "2000-01-01T00:30:00Z", "2000-01-01T00:40:00Z")
		if w.problem != nil {
			t.Error(w.problem)
		}
	})
	bubble(t, func(w *world) {
		w.refuse = &channel.TooLarge{Reason: "it is larger than maxEvent"}
		w.run(v1alpha1.CronSource{Schedule: "*/10 * * * *"}, 15*time.Minute)
		if w.problem == nil || !strings.Contains(w.problem.Error(), "was dropped: it is larger") || w.position != "2000-01-01T00:10:00Z UTC */10 * * * *" {
			t.Errorf("problem %v, position %q", w.problem, w.position)
		}
	})
}

func TestInvalid(t *testing.T) {
	for _, tc := range []struct {
		spec v1alpha1.CronSource
		want string
	}{
		{v1alpha1.CronSource{Schedule: "0 24 * * *"}, `schedule "0 24 * * *": hour: "24" must be *, or a number from 0 to 23`},
		{v1alpha1.CronSource{Schedule: "0 3 * * *", TimeZone: "Europe/Berlinn"}, `timeZone: "Europe/Berlinn" is no time zone; write UTC or a name such as Europe/Berlin, as in the IANA database`},
	} {
		err := Run(time.Now)(t.Context(), source.Config{Spec: v1alpha1.SourceSpec{Cron: &tc.spec}}, nil, nil)
		var invalid *source.Invalid
		if !errors.As(err, &invalid) || invalid.Reason != tc.want {
			t.Errorf("%+v: got %v, want %s", tc.spec, err, tc.want)
		}
	}
}
