package channel

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/eventing/event"
)

var (
	kept   = flag.Int("kept", 20_000, "events of BenchmarkStart; the figures of decision 17 are of 1000000")
	keptIn = flag.String("kept-in", "", "folder in which BenchmarkStart leaves them for another time")
)

// startDir has the test binary be the process that is started and killed, with
// startKept events.
const startDir, startKept = "HEADWAY_CHANNEL_START", "HEADWAY_CHANNEL_KEPT"

// BenchmarkStart kills a process and starts it again: until it has accepted an event,
// and how much memory it has then.
func BenchmarkStart(b *testing.B) {
	dir := *keptIn
	if dir == "" {
		dir = b.TempDir()
	}
	started(b, dir) // makes the events
	var took, rss float64
	b.ResetTimer()
	for b.Loop() {
		t, r := started(b, dir)
		took, rss = took+t, rss+r
	}
	b.ReportMetric(took/float64(b.N), "ms-to-accept")
	b.ReportMetric(rss/float64(b.N)/1024, "rss-MiB")
}

// started runs a process, and kills it when it has all its events.
func started(b *testing.B, dir string) (took, rss float64) {
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=none")
	cmd.Env = append(os.Environ(), startDir+"="+dir, fmt.Sprint(startKept, "=", *kept))
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n, _ := fmt.Sscanf(lines.Text(), "accepted after %f ms with %f KiB", &took, &rss); n == 2 {
			continue
		}
		if lines.Text() == "filled" {
			return took, rss
		}
		b.Fatal(lines.Text())
	}
	b.Fatal("the process has ended")
	return 0, 0
}

// startAndFill is that process: it accepts one event, and then as many as are missing.
func startAndFill(dir string) error {
	begin, ctx := time.Now(), context.Background()
	s, err := Open(ctx, Options{Dir: dir, LowDisk: 1, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return err
	}
	settings := usual
	settings.Size, settings.Keep, settings.Dedupe = 64<<30, 1000*time.Hour, time.Hour
	c, err := s.Ensure(ctx, orders, settings)
	if err != nil {
		return err
	}
	next := func(n int) []event.Event {
		events := make([]event.Event, n)
		for i := range events {
			events[i] = event.Event{ID: fmt.Sprint(c.State().Last, "-", i), Source: "/bench", Type: "bench", Data: make([]byte, 1024)}
		}
		return events
	}
	if err := c.Append(ctx, next(1)); err != nil {
		return err
	}
	took := time.Since(begin)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	rss := 0
	for line := range strings.Lines(string(status)) {
		_, _ = fmt.Sscanf(line, "VmRSS: %d kB", &rss)
	}
	fmt.Printf("accepted after %.1f ms with %d KiB\n", float64(took.Microseconds())/1000, rss)
	var all int
	if _, err := fmt.Sscan(os.Getenv(startKept), &all); err != nil {
		return err
	}
	for c.State().Last < uint64(all) {
		if err := c.Append(ctx, next(250)); err != nil {
			return err
		}
	}
	<-s.checker.through // a kill before that has the next start read everything
	fmt.Println("filled")
	select {}
}
