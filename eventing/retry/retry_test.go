package retry

import (
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var zeroRetry v1alpha1.EventRetry

func TestPolicyOf(t *testing.T) {
	length := func(d time.Duration) metav1.Duration { return metav1.Duration{Duration: d} }
	tests := []struct {
		name string
		in   v1alpha1.EventRetry
		want Policy
	}{
		{"absent", zeroRetry, Policy{24 * time.Hour, time.Second, 10 * time.Minute}},
		{"all said", v1alpha1.EventRetry{For: length(time.Hour), First: length(time.Minute), Max: length(2 * time.Minute)}, Policy{time.Hour, time.Minute, 2 * time.Minute}},
		{"one thing said", v1alpha1.EventRetry{First: length(time.Minute)}, Policy{24 * time.Hour, time.Minute, 10 * time.Minute}},
	}
	for _, tt := range tests {
		if d := diff.Diff(tt.want, PolicyOf(tt.in)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// Every status has one verdict after a first attempt.
func TestStatuses(t *testing.T) {
	again := map[int]bool{408: true, 409: true, 425: true, 429: true}
	for status := 200; status < 600; status++ {
		want := GiveUp
		switch {
		case status < 300:
			want = Done
		case again[status], status >= 500:
			want = Again
		}
		if got := Next(PolicyOf(zeroRetry), epoch, 1, Outcome{Status: status}, epoch, 0).Verdict; got != want {
			t.Errorf("status %d: verdict %d, want %d", status, got, want)
		}
	}
	for reason, want := range map[string]Verdict{"refused": GiveUp, "broken": Again, "timeout": Again, "no-pod": Again, "unknown-host": Again, "bad-body": Again} {
		if got := Next(PolicyOf(zeroRetry), epoch, 1, Outcome{Status: 404, Activator: reason}, epoch, 0).Verdict; got != want {
			t.Errorf("activator %s: verdict %d, want %d", reason, got, want)
		}
	}
}

func TestNext(t *testing.T) {
	p := PolicyOf(zeroRetry)
	down := Outcome{Status: 500}
	tests := []struct {
		name     string
		policy   Policy
		age      time.Duration
		attempts int
		outcome  Outcome
		random   float64
		want     Decision
	}{
		{"no jitter at all", p, 0, 1, down, 0, Decision{Verdict: Again, At: epoch}},
		{"the whole first pause", p, 0, 1, down, 1, Decision{Verdict: Again, At: epoch.Add(time.Second)}},
		{"doubled", p, 0, 5, down, 1, Decision{Verdict: Again, At: epoch.Add(16 * time.Second)}},
		{"capped", p, 0, 500, down, 1, Decision{Verdict: Again, At: epoch.Add(10 * time.Minute)}},
		{"Retry-After", p, 0, 500, Outcome{Status: 503, RetryAfter: 3 * time.Second}, 0, Decision{Verdict: Again, At: epoch.Add(3 * time.Second)}},
		{"Retry-After, an hour at most", p, 0, 1, Outcome{Status: 500, RetryAfter: 48 * time.Hour}, 0, Decision{Verdict: Again, At: epoch.Add(time.Hour)}},
		{"the time is over, too few attempts", p, 25 * time.Hour, 7, down, 0, Decision{Verdict: Again, At: epoch}},
		{"the time is over", p, 25 * time.Hour, 8, down, 0, Decision{Verdict: GiveUp, Reason: "answered 500; 8 attempts in 25h0m0s"}},
		{"it would be over by then", p, 24*time.Hour - time.Minute, 100, down, 0.5, Decision{Verdict: GiveUp, Reason: "answered 500; 100 attempts in 23h59m0s"}},
		{"no answer", p, 25 * time.Hour, 8, Outcome{Fault: Network, Detail: "connection refused"}, 0, Decision{Verdict: GiveUp, Reason: "no connection: connection refused; 8 attempts in 25h0m0s"}},
		{"redirect", p, 0, 1, Outcome{Status: 307}, 0, Decision{Verdict: GiveUp, Reason: "answered 307, which is not followed"}},
	}
	for _, tt := range tests {
		got := Next(tt.policy, epoch.Add(-tt.age), tt.attempts, tt.outcome, epoch, tt.random)
		if d := diff.Diff(tt.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// Whatever comes, no more is in flight than allowed, and the rate holds over
// any ten seconds.
func TestGateBounds(t *testing.T) {
	g := NewGate(7, 50)
	var passes []Pass
	var sent []time.Time
	for step := range 100_000 {
		now := epoch.Add(time.Duration(step) * time.Millisecond)
		if ok, _ := g.Ask(now); ok {
			passes = append(passes, g.Begin(now))
			sent = append(sent, now)
		}
		if g.InFlight() > 7 {
			t.Fatalf("%d in flight", g.InFlight())
		}
		if len(passes) > 0 && step%3 == 0 {
			status := 200
			if step%7 == 0 {
				status = 503
			}
			g.End(passes[0], Outcome{Status: status}, now)
			passes = passes[1:]
		}
	}
	if len(sent) < 3000 {
		t.Errorf("only %d sent", len(sent))
	}
	for i := range sent {
		n := 0
		for _, at := range sent[i:] {
			if at.Sub(sent[i]) >= 10*time.Second {
				break
			}
			n++
		}
		if n > 525 {
			t.Fatalf("%d attempts in 10 s from %s", n, sent[i])
		}
	}
}

func TestOrder(t *testing.T) {
	o := NewOrder()
	if !o.Enter(9, 1) {
		t.Error("the first event of a key waits")
	}
	if o.Enter(9, 2) || o.Enter(9, 3) {
		t.Error("a second event of a key may go")
	}
	if !o.Enter(8, 4) {
		t.Error("another key waits")
	}
	if o.Waiting() != 2 {
		t.Errorf("%d wait, want 2", o.Waiting())
	}
	for _, want := range []uint64{2, 3} {
		if next, ok := o.Leave(9); !ok || next != want {
			t.Errorf("next is %d %v, want %d", next, ok, want)
		}
	}
	if _, ok := o.Leave(9); ok || o.Waiting() != 0 || len(o.lines) != 1 {
		t.Errorf("the key is still there: %v", o.lines)
	}
}
