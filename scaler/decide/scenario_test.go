package decide

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/test/scenario"
)

// TestScenarios plays the files in testdata. Lines that begin with "spec" set
// the spec and how pods behave; lines that begin with "t=" change the world at
// a time, counted from the start:
//
//	load=N queue=N rps=N      what activator a reports from now on; load.b=N is activator b
//	ready=N                   pins the ready pods; ready=auto lets pods start again
//	lost=b, back=b            activator b ends its stream, or opens a new one
//	hang=b, resume=b          activator b says nothing on its stream, or goes on
//	restart                   the autoscaler forgets its state
//	replicas=N                somebody else sets the number of pods
//	coming=N app=N            N percent of the app's traffic are to come; the app has N requests in flight
//	end                       plays up to here
//
// Below each line stands, indented, every change of the wanted pods until the
// next one, and when the ready ones can carry what is to come.
func TestScenarios(t *testing.T) {
	scenario.Play(t, play)
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// world simulates activators and pods around Decide.
type world struct {
	spec  Spec
	start time.Duration // from asked for to ready
	empty time.Duration // from decided to fewer pods
	since time.Duration // fewer pods are wanted; negative: they are not
	state State
	now   time.Duration
	seen  Seen
	sim   map[string]*activator
	pins  bool
	boots []time.Duration // when starting pods become ready
	told  bool            // the pods can carry what is to come
}

type activator struct {
	load, queue, rps float64
	requests, busy   float64
	lost, hangs      bool
	said             Report
	stream           int
}

func play(t *testing.T, script []string) string {
	w := &world{sim: map[string]*activator{"a": {}}, start: time.Second, since: -1, seen: Seen{EverReady: true}}
	times := make([]time.Duration, len(script))
	for i, line := range script {
		times[i] = timeOf(t, line)
	}
	var out strings.Builder
	for i, line := range script {
		out.WriteString(line)
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		for _, field := range fields {
			w.set(t, field)
		}
		if fields[0] == "spec" {
			continue
		}
		until := times[i]
		for _, later := range times[i:] {
			until = max(until, later)
			if until > times[i] {
				break
			}
		}
		w.run(&out, until)
	}
	return out.String()
}

func timeOf(t *testing.T, line string) time.Duration {
	rest, ok := strings.CutPrefix(line, "t=")
	if !ok {
		return 0
	}
	at, err := time.ParseDuration(strings.Fields(rest)[0])
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return at
}

func (w *world) set(t *testing.T, field string) {
	key, value, _ := strings.Cut(field, "=")
	key, name, _ := strings.Cut(key, ".")
	a := w.sim[cmp.Or(name, "a")]
	if a == nil {
		a = &activator{}
		w.sim[name] = a
	}
	number, _ := strconv.ParseFloat(value, 64)
	length, _ := time.ParseDuration(value)
	switch key {
	case "t", "end", "spec":
	case "min":
		w.spec.Min = int(number)
	case "max":
		w.spec.Max = int(number)
	case "initial":
		w.spec.Initial = int(number)
		w.seen.EverReady = false
	case "activation":
		w.spec.Activation = int(number)
	case "concurrency":
		w.spec.Concurrency = number
	case "targetrps":
		w.spec.RPS = number
	case "limit":
		w.spec.Limit = int(number)
	case "idle":
		w.spec.Idle = length
	case "downdelay":
		w.spec.DownDelay = length
	case "start":
		w.start = length
	case "empty":
		w.empty = length
	case "replicas":
		w.scale(int(number))
	case "coming":
		w.seen.Coming.Part, w.seen.Coming.Known = number/100, true
	case "app":
		w.seen.Coming.App = Load{InFlight: number}
	case "load":
		a.load = number
	case "queue":
		a.queue = number
	case "rps":
		a.rps = number
	case "ready":
		if w.pins = value != "auto"; w.pins {
			w.seen.Ready, w.boots = int(number), nil
		}
	case "lost":
		w.sim[value].lost = true
	case "back":
		w.sim[value].lost = false
		w.sim[value].connect()
	case "hang":
		w.sim[value].hangs = true
	case "resume":
		w.sim[value].hangs = false
	case "restart":
		w.state = State{}
		for _, a := range w.sim {
			a.connect()
		}
	default:
		t.Fatalf("unknown field %q", field)
	}
}

// connect opens a new stream, whose sums start at zero.
func (a *activator) connect() {
	a.stream++
	a.requests, a.busy = 0, 0
}

// run decides at once and then, until the time, as scaler/autoscaler does: when
// anything has changed, and when the last decision asked for another look.
func (w *world) run(out *strings.Builder, until time.Duration) {
	var next time.Time
	var before Seen
	for first := true; ; first = false {
		w.pods()
		w.seen.Reports = w.reports()
		due := !next.IsZero() && !epoch.Add(w.now).Before(next)
		if first || due || news(before, w.seen) {
			before = w.seen
			next = w.decide(out)
		}
		if w.now >= until {
			return
		}
		w.now += Cadence
		for _, a := range w.sim {
			a.requests += a.rps * Cadence.Seconds()
			a.busy += (a.load + a.queue) * Cadence.Seconds()
		}
	}
}

// decide decides once, and scales as the autoscaler does: up at once, down when
// the pods that go have become empty. The result is when to look again.
func (w *world) decide(out *strings.Builder) time.Time {
	var d Decision
	d, w.state = Decide(w.spec, w.seen, w.state, epoch.Add(w.now))
	if carry := w.seen.Coming.Part > 0 && d.Carries >= w.seen.Coming.Part; carry != w.told {
		if w.told = carry; carry {
			fmt.Fprintf(out, "    %6.1fs  %d ready carry %.0f%%\n", w.now.Seconds(), w.seen.Ready, 100*d.Carries)
		}
	}
	switch {
	case d.Replicas >= w.seen.Replicas:
		w.since = -1
	case w.since < 0:
		w.since = w.now
	}
	switch {
	case d.Replicas == w.seen.Replicas:
	case w.since < 0 || w.now-w.since >= w.empty:
		fmt.Fprintf(out, "    %6.1fs  %d -> %d  %s\n", w.now.Seconds(), w.seen.Replicas, d.Replicas, d.Reason)
		w.scale(d.Replicas)
	default:
		return epoch.Add(w.now + Cadence) // a drain is looked at often
	}
	return d.Next
}

// news is whether anything changed but the time of the reports.
func news(before, now Seen) bool {
	return before.Replicas != now.Replicas || before.Coming != now.Coming || before.Ready != now.Ready ||
		!slices.EqualFunc(before.Reports, now.Reports, func(a, b Report) bool {
			a.At, b.At = time.Time{}, time.Time{}
			return a == b
		})
}

func (w *world) scale(n int) {
	for range n - w.seen.Replicas {
		w.boots = append(w.boots, w.now+w.start)
	}
	gone := w.seen.Replicas - n
	if gone > 0 {
		gone -= min(gone, len(w.boots))
		w.boots = w.boots[:max(0, len(w.boots)-(w.seen.Replicas-n))]
		if !w.pins {
			w.seen.Ready = max(0, w.seen.Ready-gone)
		}
	}
	w.seen.Replicas = n
}

func (w *world) pods() {
	for !w.pins && len(w.boots) > 0 && w.boots[0] <= w.now {
		w.boots = w.boots[1:]
		w.seen.Ready++
		w.seen.EverReady = true
	}
}

func (w *world) reports() []Report {
	var out []Report
	for _, name := range slices.Sorted(maps.Keys(w.sim)) {
		a := w.sim[name]
		if a.lost {
			continue
		}
		if !a.hangs {
			a.said = Report{
				Stream: fmt.Sprint(name, a.stream), At: epoch.Add(w.now),
				InFlight: int(a.load), Queued: int(a.queue),
				Requests: uint64(a.requests), Busy: time.Duration(a.busy * float64(time.Second)),
			}
		}
		out = append(out, a.said)
	}
	return out
}
