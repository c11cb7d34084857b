package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestQuantile(t *testing.T) {
	values := []float64{1, 2, 3, 4}
	for q, want := range map[float64]float64{0: 1, 0.5: 3, 0.99: 4, 1: 4} {
		if got := quantile(values, q); got != want {
			t.Errorf("quantile %v of %v is %v, want %v", q, values, got, want)
		}
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("quantile of nothing is %v", got)
	}
}

func TestDistribution(t *testing.T) {
	var s sample
	for n := 1000; n > 0; n-- {
		s.add(time.Duration(n) * time.Millisecond)
	}
	want := map[string]any{"p50": 501.0, "p90": 901.0, "p99": 991.0, "p99.9": 1000.0, "max": 1000.0}
	if diff := cmp.Diff(want, distribution(s.sorted())); diff != "" {
		t.Errorf("distribution (-want +got):\n%s", diff)
	}
}
