package main

import (
	"slices"
	"sync"
	"time"
)

// sample gathers how long things took, from many goroutines.
type sample struct {
	mu  sync.Mutex
	all []float64 // milliseconds
}

func (s *sample) add(took time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, milliseconds(took))
}

// sorted are the milliseconds, the shortest first.
func (s *sample) sorted() []float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(slices.Values(s.all))
}

// quantile of sorted values; 0 of none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// distribution of sorted values, for a row's detail.
func distribution(sorted []float64) map[string]any {
	return map[string]any{
		"p50": round(quantile(sorted, 0.5)), "p90": round(quantile(sorted, 0.9)), "p99": round(quantile(sorted, 0.99)),
		"p99.9": round(quantile(sorted, 0.999)), "max": round(quantile(sorted, 1)),
	}
}
