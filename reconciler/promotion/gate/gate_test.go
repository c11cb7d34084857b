package gate

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// usual are the settings of most tests.
func usual() Settings {
	return Settings{Errors: 0.005, Against: true, MinRequests: 200, Alpha: 0.01, Margin: 1.25, Timeout: 30 * time.Second}
}

func TestVerdict(t *testing.T) {
	tests := []struct {
		name     string
		settings func(*Settings)
		evidence func(*Evidence)
		want     Verdict
	}{
		{"nothing yet", nil, nil, Verdict{Waiting, "0 of 200 requests"}},
		{"too few", nil, func(e *Evidence) { e.Step.Requests = 12 }, Verdict{Waiting, "12 of 200 requests"}},
		{"none needed", func(s *Settings) { s.MinRequests = 0 }, nil,
			Verdict{Passing, "errors: 0% of 0 requests; evidence 1 of 100"}},
		{"enough", nil, func(e *Evidence) {
			e.Step.Requests = 812
			e.Errors = Test{Candidate: Counts{812, 3}, Over: 3, Stable: Counts{15400, 46}}
		}, Verdict{Passing, "errors: 0.37% of 812 requests, stable 0.3% of 15,400; evidence 1 of 100"}},
		{"worse", nil, func(e *Evidence) {
			e.Errors = Test{Candidate: Counts{812, 33}, Over: 33, Stable: Counts{15400, 46}, Logs: level(132)}
		}, Verdict{Failed, "errors: 4.1% of 812 requests, stable 0.3% of 15,400; evidence 132 of 100"}},
		{"perhaps worse", nil, func(e *Evidence) {
			e.Step.Requests = 812
			e.Errors = Test{Candidate: Counts{812, 33}, Over: 33, Stable: Counts{15400, 46}, Logs: level(12)}
		}, Verdict{Doubtful, "errors: 4.1% of 812 requests, stable 0.3% of 15,400; evidence 12 of 100"}},
		{"worse, and fine", nil, func(e *Evidence) {
			e.Step.Requests = 1000
			e.Errors = Test{Candidate: Counts{1000, 4}, Over: 4, Stable: Counts{15400, 0}, Logs: level(1e12)}
		}, Verdict{Passing, "errors: 0.4% of 1,000 requests, stable 0% of 15,400; evidence more than 1,000,000,000 of 100"}},
		{"two gates share alpha", func(s *Settings) { s.Latency = &Latency{95, 300 * time.Millisecond} }, func(e *Evidence) {
			e.Errors = Test{Candidate: Counts{812, 33}, Over: 33, Stable: Counts{15400, 46}, Logs: level(132)}
			e.Latency = Test{Candidate: Counts{800, 176}, Over: 100, Stable: Counts{15000, 750}, Logs: level(250), StableAt: 62}
		}, Verdict{Failed, "p95: 22% of 800 requests slower than 215ms, stable 5% of 15,000 slower than 197ms; evidence 250 of 200"}},
		{"slower, and fine", func(s *Settings) { s.Latency = &Latency{95, 300 * time.Millisecond} }, func(e *Evidence) {
			e.Step.Requests = 800
			e.Latency = Test{Candidate: Counts{800, 176}, Over: 40, Stable: Counts{15000, 750}, Logs: level(250), StableAt: 62}
		}, Verdict{Passing, "errors: 0% of 0 requests; evidence 1 of 200; " +
			"p95: 22% of 800 requests slower than 215ms, stable 5% of 15,000 slower than 197ms; evidence 250 of 200"}},
		{"stable's quantile is not known", func(s *Settings) {
			s.Errors, s.Latency, s.MinRequests = 0, &Latency{99, time.Second}, 0
		}, nil, Verdict{Passing, "p99: not compared before stable has had 200 requests"}},
		{"by itself", func(s *Settings) { s.Against = false }, func(e *Evidence) {
			e.Errors = Test{Candidate: Counts{1, 1}, Over: 1, Logs: level(100)}
		}, Verdict{Failed, "errors: 100% of 1 request; evidence 100 of 100"}},
		{"the budget is spent", func(s *Settings) { s.Budget = 20 }, func(e *Evidence) { e.Bad = 20 },
			Verdict{Failed, "its budget of 20 bad answers is spent"}},
		{"the budget is not", func(s *Settings) { s.Budget = 20 }, func(e *Evidence) { e.Bad = 19 }, Verdict{Waiting, "0 of 200 requests"}},
	}
	for _, tt := range tests {
		s, e := usual(), Evidence{}
		if tt.settings != nil {
			tt.settings(&s)
		}
		if tt.evidence != nil {
			tt.evidence(&e)
		}
		if diff := cmp.Diff(tt.want, e.Verdict(s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// level is evidence of e: log e is a little less once it is a float.
func level(e float64) (logs [ratios]float64) {
	for j := range logs {
		logs[j] = math.Log((e-reserve)/(1-reserve)) + 1e-12
	}
	return logs
}
