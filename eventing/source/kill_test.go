package source_test

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/source"
	"github.com/headway-dev/headway/eventing/source/cron"
	"github.com/headway-dev/headway/eventing/source/webhook"
)

// These make the test binary the process that TestKilled kills.
const (
	childDir   = "HEADWAY_SOURCE_DIR"
	childBegan = "HEADWAY_SOURCE_BEGAN" // when the test began, in nanoseconds
	// faster is how fast its clock goes: 20 minutes a second.
	faster = 1200
	secret = "s3cret"
)

var (
	orders   = types.NamespacedName{Namespace: "shop", Name: "orders"}
	minutely = types.NamespacedName{Namespace: "shop", Name: "minutely"}
	pushes   = types.NamespacedName{Namespace: "shop", Name: "pushes"}
	epoch    = time.Date(2026, 5, 4, 12, 0, 30, 0, time.UTC)
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Println(child(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func open(dir string) (*channel.Store, *channel.Channel, error) {
	store, err := channel.Open(context.Background(), channel.Options{Dir: dir, LowDisk: 1, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		return nil, nil, err
	}
	log, err := store.Ensure(context.Background(), orders, channel.Settings{Keep: time.Hour, Size: 1 << 30, MaxEvent: 1 << 20, Dedupe: 10 * time.Minute})
	return store, log, err
}

// child runs a schedule of every minute and the webhooks of GitHub for ever, writes
// positions down a little later, as the status of a Source has them, and prints
// where it takes webhooks.
func child(dir string) error {
	nanos, err := strconv.ParseInt(os.Getenv(childBegan), 10, 64)
	if err != nil {
		return err
	}
	began := time.Unix(0, nanos)
	_, log, err := open(dir)
	if err != nil {
		return err
	}
	hooks := webhook.New(func(context.Context, types.NamespacedName) (bool, error) { return true, nil })
	runner := source.NewRunner(map[string]source.Run{
		source.Cron:   cron.Run(func() time.Time { return epoch.Add(time.Since(began) * faster) }),
		source.GitHub: hooks.Run(source.GitHub),
	}, func(types.NamespacedName) (source.Sink, bool) { return log, true }, slog.New(slog.DiscardHandler))
	file := filepath.Join(dir, "position")
	position, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		return err
	}
	runner.Set(source.Config{Name: minutely, Position: string(position), Spec: v1alpha1.SourceSpec{
		Channel: "orders", Cron: &v1alpha1.CronSource{Schedule: "* * * * *", CatchUp: v1alpha1.CatchUpAll}}})
	runner.Set(source.Config{Name: pushes, Secrets: map[string]map[string][]byte{"hook": {"token": []byte(secret)}}, Spec: v1alpha1.SourceSpec{
		Channel: "orders", GitHub: &v1alpha1.WebhookSource{Secret: v1alpha1.KeyRef{Name: "hook", Key: "token"}}}})
	go func() {
		for range time.Tick(50 * time.Millisecond) {
			s, _ := runner.Status(minutely)
			_ = os.WriteFile(file+".new", []byte(s.Position), 0o600) // an older one stays
			_ = os.Rename(file+".new", file)
		}
	}()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			one, no := hooks.Find(r.Context(), pushes)
			if err != nil || no != nil || one.Take(r.Context(), r.Header, body) != nil {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			w.WriteHeader(http.StatusAccepted)
		}))
	}()
	return runner.Run(context.Background())
}

// sender sends webhooks one after the other, each until it is taken.
func sender(ctx context.Context, to *atomic.Pointer[string], done chan<- int) {
	const body = `{"ref": "refs/heads/main"}`
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(body))
	signature := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	for n := 0; ; n++ {
		for taken := false; !taken; {
			if ctx.Err() != nil {
				done <- n
				return
			}
			request, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+*to.Load()+"/", strings.NewReader(body))
			request.Header = http.Header{"Content-Type": {"application/json"}, "X-Github-Event": {"push"}, "X-Github-Delivery": {strconv.Itoa(n)}, "X-Hub-Signature-256": {signature}}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				time.Sleep(5 * time.Millisecond) // until it has started again
				continue
			}
			_ = response.Body.Close()
			taken = response.StatusCode == http.StatusAccepted
		}
	}
}

// TestKilled: killed twenty times, a schedule has an event for each of its times, and
// each webhook that was answered with 202 is kept; none is there twice.
func TestKilled(t *testing.T) {
	const kills = 20
	dir := t.TempDir()
	began := time.Now()
	var to atomic.Pointer[string]
	to.Store(new("127.0.0.1:1"))
	ctx, cancel := context.WithCancel(t.Context())
	sent := make(chan int)
	go sender(ctx, &to, sent)
	for range kills {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childDir+"="+dir, childBegan+"="+strconv.FormatInt(began.UnixNano(), 10))
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		if !lines.Scan() {
			t.Fatal("the child has ended")
		}
		to.Store(new(lines.Text()))
		time.Sleep(50*time.Millisecond + rand.N(200*time.Millisecond)) // any moment will do
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // that it was killed
	}
	cancel()
	webhooks := <-sent

	store, log, err := open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	count, schedule := map[string]int{}, 0
	for from := log.State().First; from <= log.State().Last; {
		records, err := log.Read(t.Context(), from, 1000, 1<<20)
		if err != nil || len(records) == 0 {
			t.Fatalf("from %d: %d records, %v", from, len(records), err)
		}
		for _, r := range records {
			e, err := event.Decode(r.Data)
			if err != nil {
				t.Fatal(err)
			}
			if count[e.ID]++; e.Type == v1alpha1.CronEventType {
				schedule++
			}
			from = r.Seq + 1
		}
	}
	t.Logf("%d webhooks and %d times of the schedule", webhooks, schedule)
	for n := range webhooks {
		if got := count[strconv.Itoa(n)]; got != 1 {
			t.Errorf("webhook %d is there %d times", n, got)
		}
	}
	if webhooks < kills || schedule < kills {
		t.Errorf("only %d webhooks and %d times", webhooks, schedule)
	}
	// The first process has begun a while after the test.
	first := epoch.Truncate(time.Minute)
	for count[idOf(first)] == 0 && first.Before(epoch.Add(time.Hour*24)) {
		first = first.Add(time.Minute)
	}
	for n := range schedule {
		if id := idOf(first.Add(time.Duration(n) * time.Minute)); count[id] != 1 {
			t.Errorf("time %s is there %d times", id, count[id])
		}
	}
}

func idOf(t time.Time) string { return "shop/minutely/" + t.Format(time.RFC3339) }
