package sources

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/source"
)

// Variables that have the test binary be the process that is killed.
const (
	childKind   = "HEADWAY_SOURCES_CHILD"
	childDir    = "HEADWAY_SOURCES_DIR"
	childConfig = "HEADWAY_SOURCES_CONFIG"
	childHangs  = "HEADWAY_SOURCES_HANGS"
)

// Moments at which a process is killed.
const (
	anytime = "anytime" // when it has kept some events
	before  = "before"  // it has messages in hand, of which none is kept
	after   = "after"   // it has kept some, and not acknowledged those
)

func TestMain(m *testing.M) {
	if kind := os.Getenv(childKind); kind != "" {
		fmt.Println("failed", runUntilKilled(kind))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// aloud says that it has kept events, and hangs at the moment at which the process
// is to be killed.
type aloud struct {
	*channel.Channel
	hangs string
}

func (a aloud) Append(ctx context.Context, events []event.Event) error {
	if a.hangs == before {
		os.Stdout.WriteString("now\n")
		select {}
	}
	if err := a.Channel.Append(ctx, events); err != nil {
		return err
	}
	os.Stdout.WriteString("now\n")
	if a.hangs == after {
		select {}
	}
	return nil
}

type silent struct{}

func (silent) Accepted(int)    {}
func (silent) Position(string) {}
func (silent) Problem(error)   {}

func runUntilKilled(kind string) error {
	var c source.Config
	if err := json.Unmarshal([]byte(os.Getenv(childConfig)), &c); err != nil {
		return err
	}
	store, log, err := openChannel(os.Getenv(childDir))
	if err != nil {
		return err
	}
	defer store.Close()
	return kinds[kind].run(context.Background(), c, aloud{log, os.Getenv(childHangs)}, silent{})
}

func openChannel(dir string) (*channel.Store, *channel.Channel, error) {
	store, err := channel.Open(context.Background(), channel.Options{Dir: dir, LowDisk: 1, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return nil, nil, err
	}
	log, err := store.Ensure(context.Background(), types.NamespacedName{Namespace: "shop", Name: "in"},
		channel.Settings{Keep: time.Hour, Size: 64 << 20, MaxEvent: 1 << 20, Dedupe: time.Hour})
	return store, log, err
}

// TestKilled kills the process that runs a source while it has messages in hand,
// again and again: none is lost, and none is in the channel twice, as what comes
// again has the same source and id.
func TestKilled(t *testing.T) {
	const kills = 20
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time a process starts, or waits for its group
			s, dir := k.start(t), t.TempDir()
			sent := 0
			for round := range kills {
				some := texts(fmt.Sprintf("round%02d", round), 20)
				sent += len(some)
				s.send(t, some)
				moment := []string{before, after, anytime}[round%3]
				killed(t, name, dir, s.config(), moment)
				if left := s.left(t); left == 0 && moment != anytime {
					t.Fatalf("killed %s: nothing is left", moment)
				}
				s.elapse()
			}
			store, log, err := openChannel(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			w, stop := begin(t, kept{k.run, log}.run, s.config())
			until(t, "all messages are acknowledged", func() bool { return s.left(t) == 0 })
			stop()
			if told := w.last(); told != "<nil>" {
				t.Errorf("told %s", told)
			}
			lost, twice := compare(t, log, sent)
			if lost != 0 || twice != 0 {
				t.Errorf("of %d messages %d are lost, and %d are twice in the channel", sent, lost, twice)
			}
		})
	}
}

// kept runs a source into a channel in the place of the test's.
type kept struct {
	inner source.Run
	log   *channel.Channel
}

func (k kept) run(ctx context.Context, c source.Config, _ source.Sink, r source.Report) error {
	return k.inner(ctx, c, k.log, r)
}

// killed kills a process at a moment.
func killed(t *testing.T, kind, dir string, c source.Config, moment string) {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=none")
	cmd.Env = append(os.Environ(), childKind+"="+kind, childDir+"="+dir, childConfig+"="+string(text), childHangs+"="+moment)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "now" {
		t.Fatalf("the process ended with %q", lines.Text())
	}
}

// compare reads the whole channel.
func compare(t *testing.T, log *channel.Channel, sent int) (lost, twice int) {
	t.Helper()
	seen := map[string]int{}
	for from := log.State().First; from <= log.State().Last; {
		records, err := log.Read(t.Context(), from, 1000, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			e, err := event.Decode(r.Data)
			if err != nil {
				t.Fatal(err)
			}
			seen[string(e.Data)]++
			from = r.Seq + 1
		}
	}
	for _, n := range seen {
		if n > 1 {
			twice++
		}
	}
	return sent - len(seen), twice
}
