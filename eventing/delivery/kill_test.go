package delivery

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/event"
)

// kills is how often TestKilled kills: 100 by hand, go test -run TestKilled$ -kills 100.
var kills = flag.Int("kills", 20, "how often the program is killed while events come and go")

// These make the test binary the process that TestKilled kills.
const (
	childDir  = "HEADWAY_DELIVERY_DIR"
	childURL  = "HEADWAY_DELIVERY_URL"
	childFrom = "HEADWAY_DELIVERY_FROM" // the first event to send; empty: none
	childRun  = "HEADWAY_DELIVERY_RUN"  // the name of a redrive; empty: none
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir, os.Getenv(childURL), os.Getenv(childFrom)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// child delivers for ever, and sends events of ten keys, each of which it prints
// when it is accepted.
func child(dir, url, from string) error {
	ctx := context.Background()
	store, err := channel.Open(ctx, channel.Options{Dir: dir, LowDisk: 1, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		return err
	}
	orders, err := store.Ensure(ctx, name("orders"), channel.Settings{Keep: time.Hour, Size: 1 << 30, MaxEvent: 1 << 20})
	if err != nil {
		return err
	}
	cursors, err := cursor.Open(filepath.Join(dir, "cursors"), time.Now)
	if err != nil {
		return err
	}
	d := New(store, cursors, newClient(anywhere), slog.New(slog.DiscardHandler))
	if run := os.Getenv(childRun); run != "" {
		return redrive(ctx, d, url, run)
	}
	for _, ordered := range []string{"", "partitionkey"} {
		spec := v1alpha1.SubscriptionSpec{Channel: "orders", From: v1alpha1.FromEarliest, Ordered: ordered}
		spec.Retry.First, spec.Retry.Max = length(5*time.Millisecond), length(50*time.Millisecond)
		if err := d.Set(Subscription{Name: name("mail" + ordered), Spec: spec, Target: Target{URL: url + "/" + ordered}}); err != nil {
			return err
		}
	}
	if from != "" {
		first, err := strconv.Atoi(from)
		if err != nil {
			return err
		}
		for key := range 10 {
			go send(orders, first+key, strconv.Itoa(key))
		}
	}
	return d.Run(ctx)
}

// redrive redrives what the test has put into the channel.
func redrive(ctx context.Context, d *Dispatcher, url, run string) error {
	r := Run{Kind: Redrive, Name: run, Channel: "orders", Subscription: Subscription{Name: name("mail"), Target: Target{URL: url + "/"}}}
	r.Spec.Retry.First, r.Spec.Retry.Max = length(5*time.Millisecond), length(50*time.Millisecond)
	if err := d.SetRun(ctx, r); err != nil {
		return err
	}
	go func() {
		for ; ; time.Sleep(time.Millisecond) {
			if st, _ := d.RunStatus(name("mail"), Redrive, run); !st.Finished.IsZero() {
				fmt.Println(st.Delivered)
				return
			}
		}
	}()
	return d.Run(ctx)
}

// send sends events of one key, each after the one before was accepted.
func send(c *channel.Channel, first int, key string) {
	for n := first; ; n += 10 {
		e := event.Event{ID: strconv.Itoa(n), Source: "/test", Type: "order"}
		e.Set("partitionkey", key)
		if err := c.Append(context.Background(), []event.Event{e}); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(n)
	}
}

// received is what the two subscriptions of child have delivered.
type received struct {
	mu       sync.Mutex
	times    [2]map[string]int // by id
	last     map[string]int    // the newest in-order event of a key
	problems []string
}

func (r *received) note(ordered bool, e *event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !ordered {
		r.times[0][e.ID]++
		return
	}
	key, _ := e.Get("partitionkey")
	n, _ := strconv.Atoi(e.ID)
	// An event that comes again is no inversion; a new one behind a newer one is.
	if r.times[1][e.ID]++; r.times[1][e.ID] == 1 {
		if n < r.last[key] {
			r.problems = append(r.problems, fmt.Sprintf("event %d of key %s came after %d", n, key, r.last[key]))
		}
		r.last[key] = n
	}
}

// missing are those of ids that one of the subscriptions has not delivered.
func (r *received) missing(ids map[string]bool) (missing []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range ids {
		if r.times[0][id] == 0 || r.times[1][id] == 0 {
			missing = append(missing, id)
		}
	}
	return missing
}

// Killed again and again while events come and go, it loses none that was accepted,
// keeps order, and delivers twice only what was under way or just recorded.
func TestKilled(t *testing.T) {
	got := &received{times: [2]map[string]int{{}, {}}, last: map[string]int{}}
	s := newSink(t, nil)
	s.answers(failing(s, got))
	dir := t.TempDir()
	accepted := map[string]bool{}
	for kill := range *kills {
		cmd, lines := startChild(t, dir, s.url, strconv.Itoa(1_000_000*(kill+1)))
		for n := 0; lines.Scan(); n++ {
			if _, err := strconv.Atoi(lines.Text()); err != nil {
				t.Fatal(lines.Text())
			}
			accepted[lines.Text()] = true
			if n == 200+37*(kill%20) {
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait() // it was killed
	}
	cmd, _ := startChild(t, dir, s.url, "")
	begin := time.Now()
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		missing := got.missing(accepted)
		if len(missing) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("not within %s: %d of %d events, among them %.10v", patience, len(missing), len(accepted), missing)
		}
	}
	took := time.Since(begin)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	for _, problem := range got.problems {
		t.Error(problem)
	}
	again := 0
	for _, times := range got.times {
		for _, n := range times {
			again += n - 1
		}
	}
	t.Logf("%d kills, %d events accepted, %d delivered again; the last one came within %s of the last start", *kills, len(accepted), again, took.Round(time.Millisecond))
	if most := *kills * 2 * 256; again > most {
		t.Errorf("%d events were delivered again, want at most %d", again, most)
	}
}

func startChild(t *testing.T, dir, url, from string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir, childURL+"="+url, childFrom+"="+from)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // one that has ended is fine
	return cmd, bufio.NewScanner(out)
}

// failing is flaky, and notes what comes through.
func failing(s *sink, got *received) func(http.ResponseWriter, *http.Request, *event.Event) int {
	fails := flaky(s)
	return func(w http.ResponseWriter, r *http.Request, e *event.Event) int {
		status := fails(w, r, e)
		if status == 0 {
			got.note(r.URL.Path != "/", e)
		}
		return status
	}
}

// A redrive that is killed again and again goes on each time: every letter is
// delivered, and only those under way come twice. Then its name is used up.
func TestKilledInARedrive(t *testing.T) {
	const kills, letters = 5, 3000
	w := newWorld(t)
	w.letters(w.channel("orders"), "mail", "order", 0, letters)
	if err := w.cursors.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.open) // for the end of w
	s := newSink(t, nil)
	s.answers(flaky(s))
	t.Setenv(childRun, "fixed")
	for kill := range kills {
		cmd, _ := startChild(t, w.dir, s.url, "")
		s.awaitAll(t, letters*(kill+1)/(kills+2))
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
	for range 2 { // the second one has nothing to do
		cmd, lines := startChild(t, w.dir, s.url, "")
		if lines.Scan(); lines.Text() != strconv.Itoa(letters) {
			t.Errorf("at the end %q are delivered", lines.Text())
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	s.awaitAll(t, letters)
	if again := len(s.ids()) - letters; again > kills*256 {
		t.Errorf("%d letters were delivered again", again)
	}
}
