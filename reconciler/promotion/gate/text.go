package gate

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// MarshalText writes the evidence on one line of less than 600 characters, each
// number to six digits:
//
//	1 bad 33 step 200/3 | errors:stable*1.25 812/33/33 15400/46 0/0 4.123,...
//
// After the rule of a test come what was judged of the candidate (requests, bad
// or slow, beyond the bound) and of stable, the counters of both quantiles, and
// the logarithms. A test without a rule is left out.
func (e Evidence) MarshalText() ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "1 bad %d step %d/%d", e.Bad, e.Step.Requests, e.Step.Bad)
	for _, t := range []Test{e.Errors, e.Latency} {
		if t.Rule == "" {
			continue
		}
		fmt.Fprintf(&b, " | %s %d/%d/%d %d/%d %d/%d ", t.Rule, t.Candidate.Requests, t.Candidate.Bad, t.Over,
			t.Stable.Requests, t.Stable.Bad, t.CandidateAt, t.StableAt)
		for j, l := range t.Logs {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.FormatFloat(l, 'g', 6, 64))
		}
	}
	return []byte(b.String()), nil
}

// UnmarshalText reads what MarshalText wrote. Of a text that is not that it
// leaves e as it was.
func (e *Evidence) UnmarshalText(text []byte) error {
	var read Evidence
	parts := strings.Split(string(text), " | ")
	if _, err := fmt.Sscanf(parts[0], "1 bad %d step %d/%d", &read.Bad, &read.Step.Requests, &read.Step.Bad); err != nil {
		return fmt.Errorf("evidence %.40q: %w", parts[0], err)
	}
	for _, part := range parts[1:] {
		t, err := parseTest(part)
		if err != nil {
			return fmt.Errorf("evidence %.40q: %w", part, err)
		}
		if strings.HasPrefix(t.Rule, "errors:") {
			read.Errors = t
		} else {
			read.Latency = t
		}
	}
	*e = read
	return nil
}

func parseTest(part string) (t Test, err error) {
	var logs string
	if _, err := fmt.Sscanf(part, "%s %d/%d/%d %d/%d %d/%d %s", &t.Rule, &t.Candidate.Requests, &t.Candidate.Bad, &t.Over,
		&t.Stable.Requests, &t.Stable.Bad, &t.CandidateAt, &t.StableAt, &logs); err != nil {
		return t, err
	}
	if most := len(Latencies{}); t.CandidateAt < 0 || t.StableAt < 0 || t.CandidateAt > most || t.StableAt > most {
		return t, fmt.Errorf("a counter that does not exist")
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
