package park

import (
	"errors"
	"fmt"
	"testing"
)

func TestOutcome(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want Outcome
		runs bool
	}{
		{nil, Woken, true},
		{fmt.Errorf("waking: %w", ErrRefused), Refused, true},
		{fmt.Errorf("waking: %w", ErrDenied), Denied, false},
		{errors.New("i/o timeout"), Unreachable, false},
	} {
		if got := OutcomeOf(tc.err); got != tc.want || got.Runs() != tc.runs {
			t.Errorf("%v: %s, runs %t", tc.err, got, got.Runs())
		}
	}
}
