package activator

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/headway-dev/headway/scaler/activator/accesslog"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/table"
	"github.com/headway-dev/headway/scaler/supervise"
)

// Where the processes of the test listen, and where the app is.
const (
	listenVariable = "ACTIVATOR_TEST_LISTEN"
	appVariable    = "ACTIVATOR_TEST_APP"
)

// supervisorRole is the parent: cmd/supervise in front of this program.
func supervisorRole() {
	runtime.LockOSThread()
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	os.Setenv(roleVariable, "activator")
	os.Exit(supervise.Run([]string{os.Getenv(listenVariable), "--", self}, io.Discard))
}

// activatorRole is the child: the activator's own way of serving, in front of
// one app. It says its process id when it serves.
func activatorRole() {
	logger := slog.New(slog.DiscardHandler)
	rev := backend.NewRevision(backend.Settings{Namespace: "default", App: "shop", Name: "shop-1a2b3c4d", Timeout: time.Minute}, backend.Hooks{})
	rev.Update([]backend.Endpoint{{UID: "1", Name: "pod", Addr: os.Getenv(appVariable), Ready: true}})
	p := &process{
		Options: Options{Listen: os.Getenv(listenVariable), PeerListen: "127.0.0.1:0", Logger: logger}, serving: make(chan struct{}),
	}
	p.tables.Store(table.Compile([]table.Route{{
		Namespace: "default", Name: "shop", App: "shop", Hosts: []string{appHost}, Traffic: []table.Share{{Revision: rev.Name, Weight: 100}},
	}}, map[table.Key]*backend.Revision{{Namespace: "default", Name: rev.Name}: rev}))
	p.server = NewServer(&p.tables, nil, accesslog.New(logger, false), logger)
	go func() {
		<-p.serving
		fmt.Println(os.Getpid())
	}()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := p.serve(ctx, context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// crash is a moment at which the activator was killed, and the one at which
// there was nothing left of it.
type crash struct{ killed, gone time.Time }

// failure is a request that failed, and when its connection was made.
type failure struct {
	connected, ended time.Time
	err              error
}

// dated is a connection that knows when it was made.
type dated struct {
	net.Conn
	made time.Time
}

// TestCrashCostsOnlyWhatItHeld: under 300 requests a second activators are
// killed 20 times, each as often as its parent starts it again without a life
// in between. Only requests fail that a killed process had accepted.
func TestCrashCostsOnlyWhatItHeld(t *testing.T) {
	const activators, kills, pause = 4, 5, time.Second / 300
	app := startApp(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	served, failed, beyond := int64(0), 0, 0
	for range activators {
		s := startSupervised(t, app)
		crowd := newCrowd(s.address)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var crashes []crash
		for i := range kills + 1 {
			pid := s.serves(t)
			if i == 0 {
				crowd.start(ctx, pause)
			}
			crowd.await(50)
			if i < kills {
				crashes = append(crashes, kill(t, pid))
			}
		}
		stop()
		crowd.end()
		for _, f := range crowd.failed {
			if !held(crashes, f) {
				beyond++
				t.Errorf("failed although no activator that was killed held its connection: made %s, ended %s: %v", f.connected, f.ended, f.err)
			}
		}
		served, failed = served+crowd.served.Load(), failed+len(crowd.failed)
	}
	t.Logf("%d requests were answered, %d failed at %d kills, %d of them beyond those that the killed processes held", served, failed, activators*kills, beyond)
}

// supervised is an activator with its parent.
type supervised struct {
	address string
	out     *bufio.Scanner
}

func startSupervised(t *testing.T, app string) *supervised {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	address := closedPort(t)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"=supervisor", listenVariable+"="+address, appVariable+"="+app)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return &supervised{address: address, out: bufio.NewScanner(out)}
}

// serves waits until the next process does, and returns its id.
func (s *supervised) serves(t *testing.T) (pid int) {
	t.Helper()
	if !s.out.Scan() {
		t.Fatal("the activator did not start again")
	}
	if _, err := fmt.Sscan(s.out.Text(), &pid); err != nil {
		t.Fatal(s.out.Text())
	}
	return pid
}

// held reports whether the connection of a failed request can have been one of a
// process that was killed. One that was refused was nobody's.
func held(crashes []crash, f failure) bool {
	if f.connected.IsZero() {
		return false
	}
	for _, c := range crashes {
		if f.connected.Before(c.gone) && f.ended.After(c.killed) {
			return true
		}
	}
	return false
}

// kill ends a process and waits until it is gone with all its connections: the
// parent has seen its end.
func kill(t *testing.T, pid int) crash {
	t.Helper()
	c := crash{killed: time.Now()}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", pid)); err != nil {
			c.gone = time.Now()
			return c
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// crowd sends requests at a pace, whatever becomes of those before.
type crowd struct {
	client  *http.Client
	served  atomic.Int64 // requests that were answered
	running atomic.Int64
	done    sync.WaitGroup

	mu     sync.Mutex
	failed []failure
}

func newCrowd(address string) *crowd {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return &dated{conn, time.Now()}, nil
	}
	return &crowd{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100, DialContext: dial}}}
}

// await waits until n more requests were answered, and those that had waited for
// the start of an activator.
func (c *crowd) await(n int64) {
	for before := c.served.Load(); c.served.Load() < before+n || c.running.Load() > 2; {
		time.Sleep(time.Millisecond)
	}
}

// end waits for the answers that are left.
func (c *crowd) end() {
	c.done.Wait()
	c.client.CloseIdleConnections()
}

func (c *crowd) start(ctx context.Context, pause time.Duration) {
	c.done.Go(func() {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				c.done.Go(c.send)
			case <-ctx.Done():
				return
			}
		}
	})
}

// send sends a POST, which no client repeats by itself once it was written.
func (c *crowd) send() {
	c.running.Add(1)
	defer c.running.Add(-1)
	var connected time.Time
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { connected = info.Conn.(*dated).made },
	})
	err := c.post(ctx)
	if err == nil {
		c.served.Add(1)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = append(c.failed, failure{connected, time.Now(), err})
}

func (c *crowd) post(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+appHost, strings.NewReader("hello"))
	if err != nil {
		return err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || string(body) != "hello" {
		return fmt.Errorf("%s %q: %w", resp.Status, body, err)
	}
	return nil
}
