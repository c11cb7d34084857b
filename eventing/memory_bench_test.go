package eventing

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/delivery"
)

// BenchmarkLarge is what a hundred events of a megabyte that come at once add to
// what this process has of the machine's memory, the sender's share included. Run
// it with GOMEMLIMIT as deploy/base has it.
func BenchmarkLarge(b *testing.B) {
	const posts, size = 100, 1<<20 - 1<<10 // the rest is for attributes
	_, url := serveFlow(b)
	body := bytes.Repeat([]byte("x"), size)
	post := func(id string) error {
		for { // as a sender does
			r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, bytes.NewReader(body))
			if err != nil {
				return err
			}
			r.Header = http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {id}, "Ce-Source": {"/bench"}, "Ce-Type": {"large"}}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				return err
			}
			_ = answer.Body.Close()
			switch answer.StatusCode {
			case http.StatusAccepted:
				return nil
			case http.StatusServiceUnavailable:
			default:
				return fmt.Errorf("answered %d", answer.StatusCode)
			}
		}
	}
	most, round := 0, 0
	for b.Loop() {
		round++
		debug.FreeOSMemory()
		before := memory(b, "VmRSS")
		if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // VmHWM begins anew
			b.Fatal(err)
		}
		var all sync.WaitGroup
		for i := range posts {
			all.Go(func() {
				if err := post(fmt.Sprintf("%d-%d", round, i)); err != nil {
					b.Error(err)
				}
			})
		}
		all.Wait()
		most = max(most, memory(b, "VmHWM")-before)
	}
	b.ReportMetric(float64(most), "MiB-added")
}

// BenchmarkSteady is what this process has of the machine's memory after each of
// b.N minutes with 1,000 events a second, accepted and delivered. It grows until
// the ids of the last 10 minutes, the dedupe of the channel, are known, and has to
// stay where it is from then on: -benchtime 20x.
func BenchmarkSteady(b *testing.B) {
	const perSecond = 1000
	child := startLoad(b)
	dispatcher, url := serveFlow(b)
	spec := v1alpha1.SubscriptionSpec{Channel: "orders", From: v1alpha1.FromEarliest}
	if err := dispatcher.Set(delivery.Subscription{Name: orders, Spec: spec, Target: delivery.Target{URL: child.url}}); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	for minute := range b.N {
		child.send(b, flow{URL: url, Run: minute + 1, Events: 60 * perSecond, Connections: 64, PerSecond: perSecond})
		b.Logf("%s: %d events, %d MiB", time.Since(began).Round(time.Second), (minute+1)*60*perSecond, memory(b, "VmRSS"))
	}
	b.ReportMetric(float64(memory(b, "VmRSS")), "MiB")
}

// memory is a line of /proc/self/status, in MiB.
func memory(b *testing.B, name string) int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return kib >> 10
		}
	}
	b.Fatalf("there is no %s", name)
	return 0
}
