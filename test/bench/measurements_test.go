package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestMeasurementsGiveAllRows: each row is measured in one place.
func TestMeasurementsGiveAllRows(t *testing.T) {
	want := slices.Sorted(maps.Keys(targets))
	got := rowNames()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows with a target and rows that are measured (-want +got):\n%s", diff)
	}
}

func TestChoose(t *testing.T) {
	for only, want := range map[string]string{
		"":                       strings.Join(rowNames(), " "),
		"activator":              "activator.throughput_ratio activator.added_p50_us activator.half_load_p99_ms",
		"coldstart.parked":       "coldstart.parked_p50_ms pod.added_mib coldstart.parked_10_apps_ms",
		"scale,push.webhook":     "push.webhook_to_run_ms scale.ramp_errors",
		"pod,coldstart.zero,pod": "coldstart.zero_ratio coldstart.parked_p50_ms pod.added_mib",
	} {
		chosen, err := choose(only)
		if err != nil {
			t.Errorf("%q: %v", only, err)
			continue
		}
		var got []string
		for _, m := range chosen {
			got = append(got, m.rows...)
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", only, diff)
		}
	}
	for _, only := range []string{"speed", "activator,", "activator, pod"} {
		if _, err := choose(only); err == nil {
			t.Errorf("chose something for %q", only)
		}
	}
}
