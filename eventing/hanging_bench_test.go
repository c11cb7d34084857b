package eventing

import (
	"slices"
	"strconv"
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/delivery"
)

// BenchmarkBesideHanging has a hundred subscriptions get every event, and one of them
// hang in every second load. ratio is the p99 of the other 99 while it hangs, of that
// while it does not: medians of b.N loads each, which take turns, as this machine may
// have other work. duplicates are those of the other 99.
func BenchmarkBesideHanging(b *testing.B) {
	child := startLoad(b)
	dispatcher, url := serveFlow(b)
	const subscribers = 100
	point := func(n int, path string) {
		name := orders
		name.Name += strconv.Itoa(n)
		spec := v1alpha1.SubscriptionSpec{Channel: "orders", From: v1alpha1.FromEarliest}
		if err := dispatcher.Set(delivery.Subscription{Name: name, Spec: spec, Target: delivery.Target{URL: child.url + path}}); err != nil {
			b.Fatal(err)
		}
	}
	for n := range subscribers {
		point(n, "")
	}
	run := 0
	load := func(events, subscribers int) flowed {
		run++
		got := child.send(b, flow{URL: url, Run: run, Events: events, Connections: 4, PerSecond: 5, Subscribers: subscribers})
		if got.Distinct < events*subscribers {
			b.Fatalf("%d of %d deliveries came", got.Distinct, events*subscribers)
		}
		return got
	}
	load(5, subscribers) // connections are made
	var well, hanging []float64
	duplicates := 0
	for range b.N {
		got := load(40, subscribers)
		well = append(well, got.Delivered[len(got.Delivered)*99/100])
		point(0, hangPath)
		got = load(40, subscribers-1)
		hanging = append(hanging, got.Delivered[len(got.Delivered)*99/100])
		duplicates += got.Deliveries - got.Distinct
		point(0, "")
		load(1, subscribers) // what hung is let go with it
	}
	slices.Sort(well)
	slices.Sort(hanging)
	b.ReportMetric(well[len(well)/2], "p99-ms")
	b.ReportMetric(hanging[len(hanging)/2], "p99-beside-ms")
	b.ReportMetric(hanging[len(hanging)/2]/well[len(well)/2], "ratio")
	b.ReportMetric(float64(duplicates), "duplicates")
}
