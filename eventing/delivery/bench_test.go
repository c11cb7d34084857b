package delivery

import (
	"net/http"
	"runtime"
	"sync"
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/event"
)

// BenchmarkDeliver is an event of 1 KiB from the log to a target in this process
// and out of the log of what is to be done, without its acceptance.
func BenchmarkDeliver(b *testing.B) {
	w := &world{t: b, dir: b.TempDir()}
	var done sync.WaitGroup
	w.client = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		done.Done()
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	})}
	w.open()
	defer w.close()
	orders := w.channel("orders")
	data := make([]byte, 1024)
	events := make([]event.Event, 250)
	for i := range events {
		events[i] = event.Event{ID: "x", Source: "/test", Type: "order", Data: data}
	}
	for left := b.N; left > 0; left -= len(events) {
		if err := orders.Append(b.Context(), events[:min(left, len(events))]); err != nil {
			b.Fatal(err)
		}
	}
	done.Add(b.N)
	w.subscribe("mail", &sink{url: "http://app"}, func(s *v1alpha1.SubscriptionSpec) { s.InFlight = 64 })
	b.ResetTimer()
	w.run()
	done.Wait()
}

// BenchmarkWaiting says in bytes what a subscription costs that waits.
func BenchmarkWaiting(b *testing.B) {
	w := &world{t: b, dir: b.TempDir(), client: &http.Client{}}
	w.open()
	defer w.close()
	w.channel("orders")
	w.run()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()
	for b.Loop() {
		for i := range 1000 {
			w.subscribe("s"+string(rune('a'+i%26))+string(rune('a'+i/26)), &sink{url: "http://app"}, exact("none"))
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapInuse-before.HeapInuse)/1000, "B/subscription")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines), "goroutines")
	}
}
