package main

import "testing"

// TestSplitRow: what a split leaves of the requests/s, of what it leaves of nginx's,
// also when the machine is slow for a round, or for a part of one.
func TestSplitRow(t *testing.T) {
	results := func(rates ...float64) (all []wrkResult) {
		for _, rate := range rates {
			all = append(all, wrkResult{perSecond: rate})
		}
		return all
	}
	headway := splitLoad{whole: results(1000, 500, 1000), split: results(900, 450, 900)}
	nginx := splitLoad{whole: results(2000, 1000, 2000), split: results(1500, 750, 100)}
	if got := splitRow(headway, nginx); got.Value != 1.2 {
		t.Errorf("0.9 of 0.75 is %v", got.Value)
	}
}
