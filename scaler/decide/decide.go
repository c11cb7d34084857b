package decide

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Decision is the answer.
type Decision struct {
	// Replicas is the number of pods to ask for.
	Replicas int
	// Reason explains the number to people in one line.
	Reason string
	// Cause is the kind of the Reason, for metrics.
	Cause Cause
	// Next is when to decide again if nothing happens before; zero is never.
	Next time.Time
	// Panicking is true while an overload holds the number up.
	Panicking bool
	// Carries is the part of the app's load, 0 to 1, that the ready pods can
	// carry; 0 where it is not known, or nothing is about to come.
	Carries float64
	// Stable and Burst are the averages of the load over the stable and the
	// panic window.
	Stable, Burst Load
}

// Cause is what had the last word about a number of pods.
type Cause string

// What can be a Cause.
const (
	CauseLoad     Cause = "load"     // the average of the stable window
	CauseOverload Cause = "overload" // that of the panic window
	CauseWake     Cause = "wake"     // a request found no pod
	CauseIdle     Cause = "idle"     // no request for long enough
	CauseBlind    Cause = "blind"    // no activator reports
	CauseBound    Cause = "bound"    // a bound, a rate or a delay
)

// Causes are all there are.
var Causes = [...]Cause{CauseLoad, CauseOverload, CauseWake, CauseIdle, CauseBlind, CauseBound}

// Decide says how many pods a revision needs now.
func Decide(spec Spec, seen Seen, state State, now time.Time) (Decision, State) {
	spec = spec.withDefaults()
	seen.Replicas, seen.Ready = max(seen.Replicas, 0), max(seen.Ready, 0)
	l := state.observe(spec, seen, now)

	d := decision{spec: spec, seen: seen, load: l, state: &state, now: now}
	d.Stable, d.Burst = state.history.average(now, StableWindow), state.history.average(now, PanicWindow)
	if l.blind {
		d.set(seen.Replicas, CauseBlind, fmt.Sprintf("no activator reports; keeping %s", pods(seen.Replicas)))
	} else {
		d.demand()
	}
	d.floors()
	d.coming()
	d.rateUp()
	d.holdDown()
	d.bounds()
	d.Carries = d.carries()
	d.Next = d.next()
	return d.Decision, state
}

// decision is a Decision in the making.
type decision struct {
	Decision
	spec  Spec
	seen  Seen
	load  load
	state *State
	now   time.Time
}

func (d *decision) set(pods int, cause Cause, reason string) {
	d.Replicas, d.Cause, d.Reason = pods, cause, reason
}

// adjust changes the number and says why, if it is another one.
func (d *decision) adjust(pods int, why string, args ...any) {
	if pods != d.Replicas {
		d.set(pods, CauseBound, d.Reason+"; "+fmt.Sprintf(why, args...))
	}
}

// demand is what the load asks for, before all bounds.
func (d *decision) demand() {
	if !d.load.any() && !d.now.Before(d.idleAt()) {
		d.state.panicUntil, d.state.panicPods = time.Time{}, 0
		d.set(0, CauseIdle, "no request for "+short(max(d.spec.Idle, d.spec.DownDelay)))
		return
	}
	stable, burst := d.podsFor(d.Stable), d.podsFor(d.Burst)
	d.set(max(1, stable), CauseLoad, d.explain(d.Stable, StableWindow))
	switch {
	case d.seen.Replicas > 0:
	case d.load.any() || d.load.arrived:
		d.Reason, d.Cause = "a request woke it", CauseWake
	default: // its pods were taken away
		d.Reason = fmt.Sprintf("it has not been idle for %s", short(max(d.spec.Idle, d.spec.DownDelay)))
	}

	s, ready := d.state, max(d.seen.Ready, 1)
	overload := d.spec.need(d.Burst) >= panicThreshold*float64(ready)
	standing := d.load.queued > 0 && d.seen.Ready > 0 && burst > d.seen.Ready
	if overload || standing {
		s.panicUntil = d.now.Add(StableWindow)
	}
	if d.Panicking = d.now.Before(s.panicUntil); !d.Panicking {
		s.panicPods = 0
		return
	}
	switch {
	case burst > d.Replicas && burst >= s.panicPods:
		d.set(burst, CauseOverload, "overload: "+d.explain(d.Burst, PanicWindow))
	case s.panicPods > d.Replicas:
		d.set(s.panicPods, CauseOverload, fmt.Sprintf("overload less than %s ago; keeping %s", short(StableWindow), pods(s.panicPods)))
	}
	s.panicPods = d.Replicas
}

// podsFor is the number of pods that carry a load at their target.
func (d *decision) podsFor(load Load) int {
	// The sums of many small shares end in rounding errors.
	n := math.Ceil(d.spec.need(load) - 1e-6)
	return int(min(max(n, 0), float64(d.spec.Max)))
}

func (d *decision) explain(load Load, window time.Duration) string {
	what, target, unit := load.InFlight, d.spec.Concurrency, "in flight"
	if d.spec.RPS > 0 && load.Rate/d.spec.RPS > what/target {
		what, target, unit = load.Rate, d.spec.RPS, "a second"
	}
	return fmt.Sprintf("%s requests %s over %s, %s to a pod", number(what), unit, short(window), number(target))
}

// floors are the numbers that a revision must not fall below.
func (d *decision) floors() {
	if d.load.any() || d.Stable != (Load{}) && d.Replicas > 0 {
		d.adjust(max(d.Replicas, d.spec.Activation), "activation scale %d", d.spec.Activation)
	}
	if !d.seen.EverReady {
		d.adjust(max(d.Replicas, d.spec.Initial), "initial scale %d until it has been ready", d.spec.Initial)
	}
}

// rateUp lets a revision grow only as fast as its pods prove to run.
func (d *decision) rateUp() {
	most := max(maxUp*max(d.seen.Ready, 1), d.seen.Replicas, d.spec.Activation, d.spec.Initial)
	d.adjust(min(d.Replicas, most), "at most %d times the %d ready", maxUp, max(d.seen.Ready, 1))
}

// holdDown keeps pods that may be needed again, or are not known to be unused.
func (d *decision) holdDown() {
	s, have := d.state, d.seen.Replicas
	delay := max(d.spec.DownDelay, s.readyTime)
	if d.Replicas > 0 {
		highest := s.highest(d.Replicas, delay, d.now)
		if d.Replicas < have {
			d.adjust(min(have, highest), "more were needed less than %s ago", short(delay))
		}
	}
	if d.Replicas >= have {
		return
	}
	if left := StableWindow - d.now.Sub(s.since); left > 0 {
		d.adjust(have, "keeping %s until %s of load have been seen", pods(have), short(StableWindow))
		return
	}
	if d.Replicas == 0 {
		return
	}
	if d.now.Sub(s.lastDown) < downEvery {
		d.adjust(have, "some went less than %s ago", downEvery)
		return
	}
	d.adjust(max(d.Replicas, (have+maxDown-1)/maxDown), "at most half go within %s", downEvery)
}

func (d *decision) bounds() {
	why := "scale.min is %d"
	if d.spec.Keep {
		why = "keeping %d for traffic that may come back"
	}
	d.adjust(max(d.Replicas, d.spec.Min), why, d.spec.Min)
	d.adjust(min(d.Replicas, d.spec.Max), "scale.max is %d", d.spec.Max)
}

// idleAt is when the revision may go to zero if no request comes.
func (d *decision) idleAt() time.Time {
	return d.state.lastBusy.Add(max(d.spec.Idle, d.spec.DownDelay))
}

// next is when time alone may change the decision.
func (d *decision) next() time.Time {
	if d.seen.Coming.Part > 0 || d.now.Before(d.state.comingUntil) {
		return d.now.Add(look)
	}
	if d.Replicas == 0 || (d.Replicas == d.spec.Min && d.Stable == (Load{}) && !d.load.any()) {
		return time.Time{}
	}
	next := d.now.Add(look)
	if at := d.idleAt(); at.After(d.now) && at.Before(next) {
		return at
	}
	return next
}

// short writes 90s instead of 1m30s.
func short(d time.Duration) string {
	return strconv.FormatFloat(d.Round(time.Second/10).Seconds(), 'g', -1, 64) + "s"
}

// number writes three digits, all of a large number, and none of a tiny one.
func number(n float64) string {
	switch {
	case n >= 100:
		return strconv.FormatFloat(n, 'f', 0, 64)
	case n > 0 && n < 0.01:
		return "under 0.01"
	}
	return strconv.FormatFloat(n, 'g', 3, 64)
}

func pods(n int) string {
	if n == 1 {
		return "1 pod"
	}
	return fmt.Sprintf("%d pods", n)
}
