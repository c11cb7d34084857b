package eventing

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/delivery"
	"github.com/headway-dev/headway/eventing/ingress"
	"github.com/headway-dev/headway/eventing/natstest"
)

// kills is how often TestLeaderKilled kills: 20 by hand, go test -kills 20.
var kills = flag.Int("kills", 3, "how often the leader of three replicas is killed")

// childConfig makes the test binary one of the replicas.
const childConfig = "HEADWAY_EVENTING_CHILD"

// replicaConfig is what a child is told.
type replicaConfig struct {
	Data, Target string
	Index        int
	Ports, HTTP  []int
}

func TestMain(m *testing.M) {
	if os.Getenv(loadChild) != "" {
		if err := runLoad(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if config := os.Getenv(childConfig); config != "" {
		var c replicaConfig
		go func() { // until the test is gone, however it ended
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(1)
		}()
		err := json.Unmarshal([]byte(config), &c)
		if err == nil {
			err = c.run(context.Background())
		}
		fmt.Println("failed", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

var orders = channel.Name{Namespace: "shop", Name: "orders"}

// run is the program without the API server: a channel and a subscription.
func (c *replicaConfig) run(ctx context.Context) error {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	e := New(Options{
		Data: c.Data, Self: fmt.Sprint("http://127.0.0.1:", c.HTTP[c.Index]),
		Cluster: &channel.Cluster{Name: fmt.Sprint("replica-", c.Index), Listen: "127.0.0.1", Port: c.Ports[c.Index], Peers: natstest.Peers(c.Ports), Password: "secret"},
	})
	listener, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", c.HTTP[c.Index]))
	if err != nil {
		return err
	}
	go http.Serve(listener, e.inside)
	if err := e.open(ctx); err != nil {
		return err
	}
	log, err := e.store.Ensure(ctx, orders, channel.Settings{Keep: time.Hour, Size: 1 << 30, MaxEvent: 1 << 20, Dedupe: 10 * time.Minute})
	if err != nil {
		return err
	}
	dispatcher := delivery.New(e.store, e.cursors, http.DefaultClient, slog.Default())
	spec := v1alpha1.SubscriptionSpec{Channel: "orders", From: v1alpha1.FromEarliest}
	if err := dispatcher.Set(delivery.Subscription{Name: orders, Spec: spec, Target: delivery.Target{URL: c.Target}}); err != nil {
		return err
	}
	go dispatcher.Run(ctx)
	e.ingress = ingress.New(access.NewGuard(nil, time.Now), slog.Default())
	e.ingress.Open(orders, ingress.Door{Log: log, MaxEvent: 1 << 20, Rule: access.NewRule(nil, &v1alpha1.Channel{}, "", nil, time.Now)})
	e.ingress.Ready()
	e.inside.lead(e.ingress)
	fmt.Println("leads")
	return e.election.hold(ctx, e.cursors)
}

// trio is three replicas, each a process.
type trio struct {
	t       *testing.T
	configs [3]replicaConfig

	mu       sync.Mutex
	children [3]child
	over     bool
	leads    chan int
}

type child struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func newTrio(t *testing.T, target string) *trio {
	r := &trio{t: t, leads: make(chan int, 100)}
	ports, web, dir := natstest.Ports(t, 3), natstest.Ports(t, 3), t.TempDir()
	for i := range r.configs {
		r.configs[i] = replicaConfig{Data: filepath.Join(dir, fmt.Sprint(i)), Target: target, Index: i, Ports: ports, HTTP: web}
		r.start(i)
	}
	t.Cleanup(func() {
		r.mu.Lock()
		r.over = true
		r.mu.Unlock()
		for i := range r.configs {
			r.kill(i)
		}
	})
	return r
}

func (r *trio) start(i int) {
	r.t.Helper()
	config, err := json.Marshal(r.configs[i])
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childConfig+"="+string(config))
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		r.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			switch {
			case lines.Text() == "leads":
				r.leads <- i
			default:
				r.t.Logf("replica %d: %s", i, lines.Text())
			}
		}
		_ = cmd.Wait() // however it ended
		close(ended)
		r.mu.Lock()
		again := r.children[i].cmd == cmd && !r.over
		r.mu.Unlock()
		if again { // as Kubernetes does
			r.start(i)
		}
	}()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.children[i] = child{cmd, ended}
}

func (r *trio) kill(i int) {
	r.mu.Lock()
	c := r.children[i]
	r.mu.Unlock()
	_ = c.cmd.Process.Kill() // one that has ended is fine
	<-c.ended
}

// leader waits for the next replica that leads.
func (r *trio) leader(within time.Duration) int {
	r.t.Helper()
	select {
	case i := <-r.leads:
		return i
	case <-time.After(within):
		r.t.Fatalf("nobody leads within %s", within)
		return -1
	}
}

// newest is who leads now: a leader that is slow may have lost it to another.
func (r *trio) newest(leader int) int {
	for {
		select {
		case leader = <-r.leads:
		default:
			return leader
		}
	}
}

// send posts an event to a replica and reports whether it was accepted.
func (r *trio) send(ctx context.Context, client *http.Client, i int, id string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, fmt.Sprintf("http://127.0.0.1:%d/shop/orders", r.configs[i].HTTP[i]), strings.NewReader(`{"n":1}`))
	if err != nil {
		return false
	}
	request.Header = http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {id}, "Ce-Source": {"/till"}, "Ce-Type": {"order"}, "Content-Type": {"application/json"}}
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode == http.StatusAccepted
}

// delivered counts what has come, by id.
type delivered struct {
	mu    sync.Mutex
	times map[string]int
}

func (d *delivered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(&bytes.Buffer{}, r.Body)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.times[r.Header.Get("Ce-Id")]++
}

// missing are those of ids that have not come.
func (d *delivered) missing(ids map[string]bool) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for id := range ids {
		if d.times[id] == 0 {
			n++
		}
	}
	return n
}

// TestLeaderKilled kills the leader of three replicas, again and again, while
// events are sent to all of them. Each that was answered with 202 is delivered
// within 30 s of the last kill.
func TestLeaderKilled(t *testing.T) {
	got := &delivered{times: map[string]int{}}
	target := httptest.NewServer(got)
	defer target.Close()
	r := newTrio(t, target.URL)
	leader := r.leader(time.Minute)

	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	accepted := map[string]bool{}
	var senders sync.WaitGroup
	for sender := range 8 {
		senders.Go(func() {
			client := &http.Client{Timeout: 15 * time.Second}
			defer client.CloseIdleConnections()
			for n := 0; ctx.Err() == nil; n++ {
				id := fmt.Sprintf("%d-%d", sender, n)
				for try := 0; ctx.Err() == nil; try++ { // to another replica each time
					if r.send(ctx, client, (sender+try)%3, id) {
						mu.Lock()
						accepted[id] = true
						mu.Unlock()
						break
					}
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(accepted)
	}
	more := func(n int) {
		t.Helper()
		end := time.Now().Add(2 * time.Minute)
		for before := count(); count() < before+n; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d events accepted within 2 minutes, want %d", count()-before, n)
			}
		}
	}
	for kill := range *kills {
		more(100)
		killed := r.newest(leader)
		r.kill(killed)
		began := time.Now()
		leader = r.leader(time.Minute)
		more(1)
		t.Logf("kill %d of replica %d: %d leads, and accepts after %s; %d accepted so far", kill, killed, leader, time.Since(began).Round(time.Millisecond), count())
	}
	more(100)
	stop()
	senders.Wait()
	for end := time.Now().Add(30 * time.Second); got.missing(accepted) > 0 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	again := 0
	for _, n := range got.times {
		again += n - 1
	}
	t.Logf("%d events accepted, %d delivered again", len(accepted), again)
	if n := got.missing(accepted); n > 0 {
		t.Errorf("%d of %d accepted events are missing", n, len(accepted))
	}
}
