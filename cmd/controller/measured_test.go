package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/reconciler/promotion"
	"github.com/headway-dev/headway/reconciler/promotion/gate"
	"github.com/headway-dev/headway/scaler/report"
)

// TestMeasured: settling looks at all answers, a gate at those that the weights
// split, and its budget also at users who have had a bad answer before.
func TestMeasured(t *testing.T) {
	tally := func(arrived, good, bad uint64) report.Tally {
		t := report.Tally{Arrived: arrived}
		t.Ended[2], t.Ended[5] = good, bad
		return t
	}
	got := measured(report.Measured{Split: tally(100, 90, 7), Repeat: tally(20, 10, 5), Direct: tally(9, 6, 3), Timed: 95})
	if diff := cmp.Diff(promotion.Answers{All: 121, Bad: 15}, got.Answers); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(gate.Measured{Arrived: 100, Bad: 7, Again: 5, Timed: 95}, got.Split); diff != "" {
		t.Error(diff)
	}
}
