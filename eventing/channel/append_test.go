package channel

import (
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/headway-dev/headway/eventing/event"
)

// BenchmarkAppend is events of 1 KiB from callers that each wait for one at a
// time. The CPU that an event takes says more than the rate where other work
// runs beside it.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			s, err := Open(b.Context(), Options{Dir: b.TempDir(), LowDisk: 1})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			settings := usual
			settings.Size = 8 << 30
			c, err := s.Ensure(b.Context(), orders, settings)
			if err != nil {
				b.Fatal(err)
			}
			data := make([]byte, 1024)
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			before := cpu()
			for range callers {
				wg.Go(func() {
					for {
						n := next.Add(1)
						if n > int64(b.N) {
							return
						}
						e := event.Event{ID: fmt.Sprint(n), Source: "/bench", Type: "made", Data: data}
						if err := c.Append(b.Context(), []event.Event{e}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64((cpu()-before).Microseconds())/float64(b.N), "cpu-us/event")
		})
	}
}

// cpu is what this process has taken so far, in user and system mode.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
