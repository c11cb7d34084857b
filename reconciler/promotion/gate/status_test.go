package gate

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/latency"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestGoesOn: what the status of a trial keeps is enough to go on.
func TestGoesOn(t *testing.T) {
	s := usual()
	s.Budget, s.Latency = 100, &Latency{Quantile: 95, Bound: 150 * time.Millisecond}
	same, slow := newTimes(1), newTimes(1.3)
	x := newStream(1, s)
	x.weight(0.25)
	for range 20 {
		x.arrive(100, 0.02, 0.01)
		x.time(100, slow, same)
		x.look()
	}
	kept := v1alpha1.Trial{Requests: int64(x.evidence.Step.Requests), Gates: x.evidence.Status(s)}
	read := Recall(&kept)
	if diff := cmp.Diff(kept.Gates, read.Status(s)); diff != "" {
		t.Errorf("status changes when it is read and written (-want +got):\n%s", diff)
	}
	if read.Bad != x.evidence.Bad || read.Bad == 0 || read.Step.Requests != x.evidence.Step.Requests || read.Latency.StableAt == 0 {
		t.Errorf("read %+v of %+v", read, x.evidence)
	}
	for _, g := range kept.Gates {
		if len(g.State) > 400 {
			t.Errorf("%s: %d characters", g.Name, len(g.State))
		}
	}
	if got := New(s, read).Evidence(); got != read {
		t.Errorf("a new accumulator begins with %+v, want %+v", got, read)
	}
	s.Margin = 2
	if got := New(s, read).Evidence(); got.Errors.E() != 1 || got.Latency.Candidate.Requests != 0 || got.Bad != read.Bad || got.Step != read.Step {
		t.Errorf("with another margin it begins with %+v", got)
	}
}

func TestStatus(t *testing.T) {
	s := usual()
	s.Budget, s.Latency = 20, &Latency{Quantile: 95, Bound: 300 * time.Millisecond}
	e := Evidence{Bad: 20, Step: Counts{Requests: 200}}
	e.Errors = Test{Candidate: Counts{812, 33}, Over: 33, Stable: Counts{15400, 46}, Logs: level(132.4049)}
	e.Latency = Test{Candidate: Counts{800, 176}, Over: 100, Stable: Counts{15000, 750}, Logs: level(1), CandidateAt: 70, StableAt: 62}
	got := e.Status(s)
	for i := range got {
		got[i].State = ""
	}
	want := []v1alpha1.GateStatus{
		{Name: "errors", Verdict: v1alpha1.VerdictDoubtful, Evidence: "132.4", Limit: "200",
			Message:   "errors: 4.1% of 812 requests, stable 0.3% of 15,400; evidence 132 of 200",
			Candidate: &v1alpha1.Tally{Requests: 812, Bad: 33}, Stable: &v1alpha1.Tally{Requests: 15400, Bad: 46}},
		{Name: "p95", Verdict: v1alpha1.VerdictPassing, Evidence: "1", Limit: "200",
			Message:   "p95: 22% of 800 requests slower than 215ms, stable 5% of 15,000 slower than 197ms; evidence 1 of 200",
			Candidate: &v1alpha1.Tally{Requests: 800, Bad: 176, Micros: latency.Bound(69).Microseconds()},
			Stable:    &v1alpha1.Tally{Requests: 15000, Bad: 750, Micros: latency.Bound(61).Microseconds()}},
		{Name: "budget", Verdict: v1alpha1.VerdictFailed, Message: "20 of 20 bad answers"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	e.Step.Requests = 12
	if v := e.Status(s)[1].Verdict; v != v1alpha1.VerdictWaiting {
		t.Errorf("with too few requests in the step p95 is %s", v)
	}
}

func TestFrom(t *testing.T) {
	const timeout = 10 * time.Second
	tests := []struct {
		name  string
		gates *v1alpha1.Gates
		want  Settings
	}{
		{"none", nil, Settings{Alpha: 0.01, Margin: 1.25, Timeout: timeout}},
		{"all", &v1alpha1.Gates{
			Errors: 5000, Quantile: 95, Within: metav1.Duration{Duration: 300 * time.Millisecond}, Alone: true,
			MinRequests: 50, Budget: 20, Alpha: 50_000, Margin: 200,
		}, Settings{
			Errors: 0.005, Latency: &Latency{95, 300 * time.Millisecond}, MinRequests: 50, Budget: 20, Alpha: 0.05, Margin: 2, Timeout: timeout,
		}},
		{"what is not said", &v1alpha1.Gates{Errors: 10_000}, Settings{Errors: 0.01, Against: true, Alpha: 0.01, Margin: 1.25, Timeout: timeout}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, From(tt.gates, timeout)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// FuzzText: a text is refused, or means the same after it was written again.
func FuzzText(f *testing.F) {
	text, _ := Test{Rule: "p95:300ms:stable*1.25", Candidate: Counts{812, 33}, Over: 1, Stable: Counts{15400, 46}, Logs: level(3), StableAt: 62}.MarshalText()
	f.Add(string(text))
	f.Add("errors:stable*1 1/1/1 1/1 0/0 0 NaN,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0")
	f.Add("errors:stable*1 1/1/1 1/1 0/130 0 0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0")
	f.Add("errors:stable*1 -1/1/1 1/1 0/0 0 0")
	f.Fuzz(func(t *testing.T, text string) {
		var read, again Test
		if read.UnmarshalText([]byte(text)) != nil {
			if read != (Test{}) {
				t.Errorf("refused, and changed to %+v", read)
			}
			return
		}
		written, _ := read.MarshalText()
		if err := again.UnmarshalText(written); err != nil {
			t.Fatalf("%q was written as %q: %v", text, written, err)
		}
		if rewritten, _ := again.MarshalText(); string(rewritten) != string(written) {
			t.Errorf("%q, then %q", written, rewritten)
		}
		if e := read.E(); math.IsNaN(e) || e < 0 || e > most {
			t.Errorf("evidence %g", e)
		}
	})
}

// FuzzAdd: whatever is measured, evidence is a number, what is counted only
// grows, and what is said can be kept and written as JSON.
func FuzzAdd(f *testing.F) {
	f.Add(true, uint16(0), []byte("a candidate with 20 bytes and more for each of its reports, falling now and then"))
	f.Add(false, uint16(5000), []byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, against bool, errors uint16, script []byte) {
		s := usual()
		s.Against, s.Errors, s.Latency = against, float64(errors)/1e4, &Latency{Quantile: 95, Bound: 100 * time.Millisecond}
		a := New(s, Evidence{})
		now := time.Unix(1_800_000_000, 0)
		side := func(name string) Measured {
			m := Measured{Revision: name}
			for _, n := range []*uint64{&m.Arrived, &m.Bad, &m.Timed, &m.Times[30], &m.Times[80], &m.Waiting[128]} {
				*n, script = number64(script)
			}
			m.Weight = int32(m.Arrived)
			return m
		}
		for len(script) > 0 {
			now = now.Add(time.Duration(int8(script[0])) * time.Second / 10)
			before := a.Evidence()
			candidate := side("new")
			a.Add(now, candidate, side("old"))
			check(t, before, a.Evidence(), s)
		}
	})
}

// number64 reads a byte: small numbers, or with the highest bit huge ones.
func number64(script []byte) (uint64, []byte) {
	if len(script) == 0 {
		return 0, nil
	}
	if script[0] < 128 {
		return uint64(script[0]), script[1:]
	}
	var huge [8]byte
	n := copy(huge[:], script)
	return binary.BigEndian.Uint64(huge[:]), script[n:]
}

func check(t *testing.T, before, after Evidence, s Settings) {
	t.Helper()
	for _, pair := range [][2]Test{{before.Errors, after.Errors}, {before.Latency, after.Latency}} {
		b, a := pair[0], pair[1]
		if a.Candidate.Requests < b.Candidate.Requests || a.Candidate.Bad < b.Candidate.Bad ||
			a.Stable.Requests < b.Stable.Requests || a.Stable.Bad < b.Stable.Bad || a.Over < b.Over {
			t.Fatalf("counts fell from %+v to %+v", b, a)
		}
		for _, l := range append(a.Logs[:], a.E(), a.P()) {
			if math.IsNaN(l) || math.IsInf(l, 0) {
				t.Fatalf("%+v has no number", a)
			}
		}
	}
	if after.Bad < before.Bad {
		t.Fatalf("%d bad answers, then %d", before.Bad, after.Bad)
	}
	kept := v1alpha1.Trial{Gates: after.Status(s)}
	if _, err := json.Marshal(kept); err != nil {
		t.Fatal(err)
	}
	for _, g := range Recall(&kept).Status(s) {
		if g.Message == "" {
			t.Fatalf("%+v says nothing", g)
		}
	}
	after.Verdict(s)
}
