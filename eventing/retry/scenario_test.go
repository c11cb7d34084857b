package retry

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/test/scenario"
)

// TestScenarios plays the files in testdata. Lines that begin with "spec" set
// the policy and the limits; lines that begin with "t=" change the world at a
// time, counted from the start:
//
//	send=N key=K        N events come, with this key
//	answer=A            what the target answers from now on: a status, timeout,
//	                    network, or activator:REASON; A,B,C in turn
//	after=D             Retry-After of the answers that are not 2xx
//	takes=D             how long an attempt takes; hangs: until the timeout of 30s
//	show                shows each attempt from now on; show=no: no more
//	end                 plays up to here
//
// Below each line stands, indented, what happens until the next one: each time
// that the target is left alone and gets events again, each event that is dead,
// and a sum.
func TestScenarios(t *testing.T) {
	scenario.Play(t, play)
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// world simulates events and a target around Gate, Next and Order.
type world struct {
	out    strings.Builder
	policy Policy
	gate   *Gate
	order  *Order
	now    time.Duration
	due    []*item // by time, then number
	flying []*item // by end, then number
	turns  map[uint64]*item
	count  uint64

	inFlight, rate int
	answers        []string
	asked          int
	after, takes   time.Duration
	hangs, show    bool
	held           bool
	sum            sum
}

type sum struct{ attempts, done, dead, most int }

type item struct {
	seq, key uint64
	first    time.Time
	attempts int
	at, ends time.Duration
	pass     Pass
	outcome  Outcome
}

func play(t *testing.T, script []string) string {
	w := &world{policy: PolicyOf(zeroRetry), order: NewOrder(), turns: map[uint64]*item{}, answers: []string{"200"}, takes: 100 * time.Millisecond}
	for i, line := range script {
		w.out.WriteString(line)
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		key := uint64(0)
		for _, field := range fields {
			if value, ok := strings.CutPrefix(field, "key="); ok {
				key = uint64(number(t, value))
			}
		}
		for _, field := range fields {
			w.set(t, field, key)
		}
		if fields[0] == "spec" {
			w.gate = NewGate(w.inFlight, w.rate)
			continue
		}
		if until, ok := next(t, script[i+1:]); ok {
			w.run(until)
		}
	}
	return w.out.String()
}

func next(t *testing.T, lines []string) (time.Duration, bool) {
	for _, line := range lines {
		if rest, ok := strings.CutPrefix(line, "t="); ok {
			return length(t, strings.Fields(rest)[0]), true
		}
	}
	return 0, false
}

func (w *world) set(t *testing.T, field string, eventKey uint64) {
	key, value, _ := strings.Cut(field, "=")
	switch key {
	case "spec", "t", "end", "key":
	case "for":
		w.policy.For = length(t, value)
	case "first":
		w.policy.First = length(t, value)
	case "max":
		w.policy.Max = length(t, value)
	case "inflight":
		w.inFlight = number(t, value)
	case "rate":
		w.rate = number(t, value)
	case "send":
		for range number(t, value) {
			w.count++
			w.come(&item{seq: w.count, key: eventKey, at: w.now})
		}
	case "answer":
		w.answers, w.asked = strings.Split(value, ","), 0
	case "after":
		w.after = length(t, value)
	case "takes":
		if w.hangs = value == "hangs"; !w.hangs {
			w.takes = length(t, value)
		}
	case "show":
		w.show = value != "no"
	default:
		t.Fatalf("unknown field %q", field)
	}
}

// come adds an event; one with a key waits for its turn.
func (w *world) come(e *item) {
	if e.key != 0 && !w.order.Enter(e.key, e.seq) {
		w.turns[e.seq] = e
		return
	}
	w.due = append(w.due, e)
}

// run goes from one thing that happens to the next, as eventing/delivery does.
func (w *world) run(until time.Duration) {
	w.sum = sum{}
	for {
		w.end()
		ask := w.begin()
		step := until
		for _, e := range w.flying {
			step = min(step, e.ends)
		}
		for _, e := range w.due {
			if e.at > w.now {
				step = min(step, e.at)
			}
		}
		if ask > w.now {
			step = min(step, ask)
		}
		w.now = step
		if step == until {
			break
		}
	}
	fmt.Fprintf(&w.out, "    %s  %d attempts, %d done, %d dead, most in flight %d; window %d, %d wait\n",
		stamp(w.now), w.sum.attempts, w.sum.done, w.sum.dead, w.sum.most, w.gate.Window(), len(w.due)+len(w.turns)+len(w.flying))
}

// begin sends what is due and may go; the result is when to ask again.
func (w *world) begin() time.Duration {
	for {
		slices.SortFunc(w.due, func(a, b *item) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.seq, b.seq)) })
		if len(w.due) == 0 || w.due[0].at > w.now {
			return 0
		}
		ok, at := w.gate.Ask(w.time())
		if !ok {
			if at.IsZero() {
				return 0
			}
			return at.Sub(epoch)
		}
		e := w.due[0]
		w.due = w.due[1:]
		e.pass = w.gate.Begin(w.time())
		if e.attempts++; e.attempts == 1 {
			e.first = w.time()
		}
		e.outcome, e.ends = w.answer()
		w.flying = append(w.flying, e)
		w.sum.attempts++
		w.sum.most = max(w.sum.most, len(w.flying))
	}
}

// end decides about the attempts that have ended.
func (w *world) end() {
	slices.SortFunc(w.flying, func(a, b *item) int { return cmp.Or(cmp.Compare(a.ends, b.ends), cmp.Compare(a.seq, b.seq)) })
	for len(w.flying) > 0 && w.flying[0].ends <= w.now {
		e := w.flying[0]
		w.flying = w.flying[1:]
		w.gate.End(e.pass, e.outcome, w.time())
		d := Next(w.policy, e.first, e.attempts, e.outcome, w.time(), 0.5)
		w.tell(e, d)
		switch d.Verdict {
		case Again:
			e.at = d.At.Sub(epoch)
			w.due = append(w.due, e)
			continue
		case Done:
			w.sum.done++
		case GiveUp:
			w.sum.dead++
		}
		if e.key != 0 {
			if seq, ok := w.order.Leave(e.key); ok {
				w.due = append(w.due, w.turns[seq])
				w.turns[seq].at = w.now
				delete(w.turns, seq)
			}
		}
	}
}

func (w *world) tell(e *item, d Decision) {
	switch {
	case d.Verdict == GiveUp:
		fmt.Fprintf(&w.out, "    %s  event %d is dead: %s\n", stamp(w.now), e.seq, d.Reason)
	case w.show && d.Verdict == Again:
		fmt.Fprintf(&w.out, "    %s  event %d, attempt %d: %s; again at %s\n", stamp(w.now), e.seq, e.attempts, e.outcome, stamp(d.At.Sub(epoch)))
	case w.show:
		fmt.Fprintf(&w.out, "    %s  event %d, attempt %d: %s\n", stamp(w.now), e.seq, e.attempts, e.outcome)
	}
	until := w.gate.HeldUntil()
	switch held := !until.IsZero(); {
	case held && (!w.held || w.show):
		fmt.Fprintf(&w.out, "    %s  left alone until %s\n", stamp(w.now), stamp(until.Sub(epoch)))
		w.held = true
	case !held && w.held:
		fmt.Fprintf(&w.out, "    %s  gets events again\n", stamp(w.now))
		w.held = false
	}
}

// answer is the next one, and when it comes.
func (w *world) answer() (Outcome, time.Duration) {
	said := w.answers[w.asked%len(w.answers)]
	w.asked++
	if w.hangs {
		return Outcome{Fault: Timeout}, w.now + 30*time.Second
	}
	ends := w.now + w.takes
	reason, own := strings.CutPrefix(said, "activator:")
	status, _ := strconv.Atoi(said)
	switch {
	case said == "timeout":
		return Outcome{Fault: Timeout}, w.now + 30*time.Second
	case said == "network":
		return Outcome{Fault: Network}, ends
	case own:
		return Outcome{Status: 503, Activator: reason, RetryAfter: w.after}, ends
	case status < 300:
		return Outcome{Status: status}, ends
	}
	return Outcome{Status: status, RetryAfter: w.after}, ends
}

func (w *world) time() time.Time { return epoch.Add(w.now) }

func stamp(d time.Duration) string { return fmt.Sprintf("%8.1fs", d.Seconds()) }

func number(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func length(t *testing.T, s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
