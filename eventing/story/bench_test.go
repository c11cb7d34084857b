package story

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// kept is how many events BenchmarkMillion remembers.
var kept = flag.Int("kept", 20_000, "events of BenchmarkMillion; the figures of decision 16 are of 1000000")

// BenchmarkMillion remembers events with an attempt each, and asks for some of
// them. The figures that count are its metrics.
func BenchmarkMillion(b *testing.B) {
	o := options(b)
	for b.Loop() {
		s, err := Open(o)
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		for i := range *kept {
			id, seq := fmt.Sprint("order-", i), uint64(i+1)
			s.Accepted(id, Accepted{Channel: orders, Seq: seq, At: noon, By: "service account shop/default"})
			s.Attempted(Attempt{Channel: orders, Seq: seq, Subscription: mail, Number: 1, At: noon, Took: time.Millisecond, Status: 200, Verdict: Delivered, Revision: "shop-1a2b3c4d"})
			if i%1000 == 0 {
				time.Sleep(time.Millisecond) // the disk keeps up
			}
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(*kept)/time.Since(began).Seconds(), "events/s")
		began = time.Now()
		if s, err = Open(o); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(began).Microseconds()), "open-µs")
		began = time.Now()
		const asked = 1000
		for i := range asked {
			found, _ := s.Find("shop", fmt.Sprint("order-", i**kept/asked), 20)
			if len(found) != 1 {
				b.Fatalf("order-%d is found %d times", i, len(found))
			}
			if _, attempts := s.At(orders, found[0].Seq); len(attempts) != 1 {
				b.Fatalf("order-%d has %d attempts", i, len(attempts))
			}
		}
		b.ReportMetric(float64(time.Since(began).Microseconds())/asked, "look-up-µs")
		b.ReportMetric(float64(residentKiB(b))/1024, "rss-MiB")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// residentKiB is how much memory this process has.
func residentKiB(b *testing.B) (kib int) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			return kib
		}
	}
	b.Fatal("no VmRSS")
	return 0
}
