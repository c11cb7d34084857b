package gate

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/headway-dev/headway/api/latency"
)

// MarshalText writes a test on one line of less than 400 characters:
//
//	errors:stable*1.25 812/33/33 15400/46 0/0 19 4.12381,...
//
// After the rule come what was judged of the candidate (requests, bad or slow,
// beyond the bound) and of stable, the counters of both quantiles, the
// turn, and the logarithms to six digits.
func (t Test) MarshalText() ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d/%d/%d %d/%d %d/%d %d ", t.Rule, t.Candidate.Requests, t.Candidate.Bad, t.Over,
		t.Stable.Requests, t.Stable.Bad, t.CandidateAt, t.StableAt, t.Turn)
	for j, l := range t.Logs {
		if j > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatFloat(l, 'g', 6, 64))
	}
	return []byte(b.String()), nil
}

// UnmarshalText reads what MarshalText wrote. A text that is not that is an
// error, and leaves t as it was.
func (t *Test) UnmarshalText(text []byte) error {
	read, err := parse(string(text))
	if err != nil {
		return fmt.Errorf("evidence %.60q: %w", text, err)
	}
	*t = read
	return nil
}

func parse(text string) (t Test, err error) {
	var logs string
	if _, err := fmt.Sscanf(text, "%s %d/%d/%d %d/%d %d/%d %d %s", &t.Rule, &t.Candidate.Requests, &t.Candidate.Bad, &t.Over,
		&t.Stable.Requests, &t.Stable.Bad, &t.CandidateAt, &t.StableAt, &t.Turn, &logs); err != nil {
		return t, err
	}
	if min(t.CandidateAt, t.StableAt) < 0 || max(t.CandidateAt, t.StableAt) > latency.Buckets {
		return t, errors.New("a counter that does not exist")
	}
	numbers := strings.Split(logs, ",")
	if len(numbers) != ratios {
		return t, fmt.Errorf("%d numbers, want %d", len(numbers), ratios)
	}
	for j, n := range numbers {
		if t.Logs[j], err = strconv.ParseFloat(n, 64); err != nil {
			return t, err
		}
		if math.IsNaN(t.Logs[j]) || math.IsInf(t.Logs[j], 0) {
			return t, fmt.Errorf("%s is no evidence", n)
		}
	}
	return t, nil
}

// errorsRule names what the test of errors tests.
func (s Settings) errorsRule() string {
	if s.Against {
		return fmt.Sprintf("errors:stable*%g", s.Margin)
	}
	return fmt.Sprintf("errors:%g", s.Errors)
}

// latencyRule names what the test of latency tests; empty: there is none.
func (s Settings) latencyRule() string {
	switch {
	case s.Latency == nil:
		return ""
	case s.Against:
		return fmt.Sprintf("p%d:%s:stable*%g", s.Latency.Quantile, s.Latency.Bound, s.Margin)
	}
	return fmt.Sprintf("p%d:%s", s.Latency.Quantile, s.Latency.Bound)
}
