package channel

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/headway-dev/headway/eventing/event"
)

// childDir has the test binary be the process that is killed.
const childDir, childRound = "HEADWAY_CHANNEL_CHILD", "HEADWAY_CHANNEL_ROUND"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := writeUntilKilled(dir, os.Getenv(childRound)); err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
		return
	}
	if dir := os.Getenv(startDir); dir != "" {
		fmt.Println(startAndFill(dir))
		return
	}
	goleak.VerifyTestMain(m)
}

// writeUntilKilled sends the newest events of the log once more, as senders do
// that got no answer, and then new ones from 64 callers. It says on standard
// output which ones were accepted.
func writeUntilKilled(dir, round string) error {
	s, err := Open(context.Background(), Options{Dir: dir, LowDisk: 1, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return err
	}
	settings := usual
	settings.Size = 1 << 30
	c, err := s.Ensure(context.Background(), orders, settings)
	if err != nil {
		return err
	}
	st := c.State()
	if st.Gap != nil {
		return fmt.Errorf("gap %+v", *st.Gap)
	}
	if err := repeat(c, st.Last); err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make(chan error, 64)
	for w := range 64 {
		wg.Go(func() {
			for n := 0; ; n++ {
				events := made(fmt.Sprintf("%s-%d-%d", round, w, n), 1+w%3) // a third each of one, two and three
				if err := c.Append(context.Background(), events); err != nil {
					errs <- err
					return
				}
				os.Stdout.WriteString("kept " + strings.Join(idsOf(events), " ") + "\n")
			}
		})
	}
	return <-errs
}

func repeat(c *Channel, last uint64) error {
	records, err := c.Read(context.Background(), max(last, 50)-49, 50, 1<<20)
	if err != nil {
		return err
	}
	for _, r := range records {
		e, err := event.Decode(r.Data)
		if err != nil {
			return err
		}
		if err := c.Append(context.Background(), []event.Event{*e}); err != nil {
			return err
		}
	}
	return nil
}

// TestKilled kills the process under load, again and again, and looks for every
// event that it said it had kept.
func TestKilled(t *testing.T) {
	const kills = 20
	dir := t.TempDir()
	kept := map[string]bool{}
	for round := range kills {
		for _, id := range killed(t, dir, round) {
			kept[id] = true
		}
	}
	s := open(t, dir)
	c, ok := s.Channel(orders)
	if !ok {
		t.Fatal("the channel is gone")
	}
	seen := map[string]int{}
	for _, id := range ids(t, c) {
		seen[id]++
	}
	lost, twice := 0, 0
	for id := range kept {
		if seen[id] == 0 {
			lost++
		}
	}
	for _, n := range seen {
		if n > 1 {
			twice++
		}
	}
	t.Logf("%d kills: %d events accepted, %d in the log", kills, len(kept), len(seen))
	if lost > 0 || twice > 0 || len(kept) < kills*100 {
		t.Errorf("of %d accepted events %d are lost; %d of the log are there twice", len(kept), lost, twice)
	}
	if st := c.State(); st.Gap != nil || st.Events != uint64(len(seen)) || st.Last-st.First+1 != st.Events {
		t.Errorf("state = %+v, gap = %+v", st, st.Gap)
	}
}

// killed runs a process, kills it when it has kept some events, and returns
// them.
func killed(t *testing.T, dir string, round int) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=none")
	cmd.Env = append(os.Environ(), childDir+"="+dir, fmt.Sprintf("%s=%d", childRound, round))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	var kept []string
	lines := bufio.NewReader(out)
	for n := 0; ; n++ {
		if n == 100+37*round%200 { // a different moment each time
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			break // a line that was cut is none
		}
		what, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if what != "kept" {
			t.Fatalf("round %d: %s", round, line)
		}
		kept = append(kept, strings.Fields(rest)...)
	}
	return kept
}
