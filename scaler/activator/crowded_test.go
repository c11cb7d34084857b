package activator

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/headway-dev/headway/scaler/activator/accesslog"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/bounds"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// crowdedRole is an activator with two apps. The pod of the one called shop is
// there, that of the one called busy comes with SIGUSR1.
func crowdedRole() {
	logger := slog.New(slog.DiscardHandler)
	revisions := map[table.Key]*backend.Revision{}
	var routes []table.Route
	for _, name := range []string{"shop", "busy"} {
		rev := backend.NewRevision(backend.Settings{Namespace: "default", App: name, Name: name + "-1", Timeout: 10 * time.Minute}, backend.Hooks{})
		revisions[table.Key{Namespace: "default", Name: rev.Name}] = rev
		routes = append(routes, table.Route{
			Namespace: "default", Name: name, App: name, Hosts: []string{name + ".localhost"}, Traffic: []table.Share{{Revision: rev.Name, Weight: 100}},
		})
	}
	pods := []backend.Endpoint{{UID: "1", Name: "pod", Addr: os.Getenv(appVariable), Ready: true}}
	revisions[table.Key{Namespace: "default", Name: "shop-1"}].Update(pods)
	var tables atomic.Pointer[table.Table]
	tables.Store(table.Compile(routes, revisions))
	server := NewServer(&tables, nil, accesslog.New(logger, false), logger)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() { _ = server.Serve(listener) }()
	come := make(chan os.Signal, 1)
	signal.Notify(come, syscall.SIGUSR1)
	fmt.Println(listener.Addr())
	<-come
	revisions[table.Key{Namespace: "default", Name: "busy-1"}].Update(pods)
	select {}
}

// crowded is such a process.
type crowded struct {
	*exec.Cmd
	address string
}

func startCrowded(t *testing.T, limit, app string) *crowded {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &crowded{Cmd: exec.Command(self)}
	c.Env = append(os.Environ(), roleVariable+"=crowded", appVariable+"="+app, "GOMEMLIMIT="+limit)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	line := bufio.NewScanner(out)
	if !line.Scan() {
		t.Fatal("it did not start")
	}
	c.address = line.Text()
	return c
}

// mostMemory is the largest resident memory that it has had, in MiB.
func (c *crowded) mostMemory(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kib int
	if _, err := fmt.Sscan(after, &kib); err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}

// TestOneAppsBodiesCostNoOtherApp: requests with bodies of 60 KiB wait for an app
// that has no pod, more than there is memory for. Meanwhile another app's are
// answered, and the process stays within its memory; in the end all of them are.
// With -v it says what it has measured.
func TestOneAppsBodiesCostNoOtherApp(t *testing.T) {
	const (
		// A twentieth of what the manifest has, and of the requests that may wait.
		limit, requests, most = "45MiB", 500, 75 * memoryFactor
		size, good            = 60 << 10, 100
	)
	app := startApp(t, http.HandlerFunc(count))
	c := startCrowded(t, limit, app)
	before := c.mostMemory(t)
	body := strings.Repeat("x", size)
	var wrote, waiting sync.WaitGroup
	var answered, refused atomic.Int64
	for range requests {
		wrote.Add(1)
		waiting.Go(func() {
			conn, err := net.Dial("tcp", c.address)
			if err != nil {
				t.Error(err)
				wrote.Done()
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(5 * time.Minute))
			_, err = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: busy.localhost\r\nContent-Length: %d\r\n\r\n%s", size, body)
			wrote.Done()
			if err != nil {
				t.Error(err)
				return
			}
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			switch text, _ := io.ReadAll(resp.Body); {
			case resp.StatusCode == http.StatusOK && string(text) == fmt.Sprint(size, " bytes"):
				answered.Add(1)
			case resp.StatusCode == http.StatusServiceUnavailable:
				refused.Add(1)
			default:
				t.Errorf("%s %q", resp.Status, text)
			}
		})
	}
	wrote.Wait()

	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", c.address)
		},
	}}
	defer client.CloseIdleConnections()
	began := time.Now()
	for range good {
		resp, err := client.Post("http://shop.localhost", "", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || string(text) != fmt.Sprint(size, " bytes") {
			t.Errorf("the other app: %s %q", resp.Status, text)
		}
		resp.Body.Close()
	}
	took := time.Since(began) / good
	held := c.mostMemory(t)
	if err := c.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	waiting.Wait()
	if answered.Load() != requests {
		t.Errorf("%d of %d were answered when the pod came, %d refused", answered.Load(), requests, refused.Load())
	}
	if held > most || c.mostMemory(t) > 2*most {
		t.Errorf("%d MiB while they waited and %d in the end, want at most %d and twice as much", held, c.mostMemory(t), most)
	}
	t.Logf("%d bodies of %d KiB: %d MiB before, %d while they waited, %d in the end; another app's request took %s; %d answered, %d refused",
		requests, size>>10, before, held, c.mostMemory(t), took, answered.Load(), refused.Load())
}

// TestConnectionsHaveABound: one app's connections take no place of another's,
// and idle ones make room.
func TestConnectionsHaveABound(t *testing.T) {
	f := newBoundedFixture(t, bounds.Of(1<<20, 30), nil, backend.Settings{}, text("fine"))
	hold := func() (net.Conn, *bufio.Reader) {
		conn, r := f.raw()
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\n"+hostLine+"\r\n")
		return conn, r
	}
	for range 100 { // each idle after its answer
		_, r := hold()
		expect(t, r, 200, "fine")
	}
	f.rev.Update(nil)
	for n := range 10 { // idle ones make room for each
		hold()
		eventually(t, "it waits", func() bool { return f.rev.Load().Queued == n+1 })
	}
	for f.server.budget.Conns.TryTake(bounds.App{Namespace: f.rev.Namespace, Name: f.rev.App}, 1) {
		// The rest of its share.
	}
	_, r := hold()
	expect(t, r, 503, "as many connections as its share")
	conn, r := f.raw()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n")
	expect(t, r, 404, "No app answers")
}

// TestRequestsOverHTTP2Count, as a thousand of them may share a connection.
func TestRequestsOverHTTP2Count(t *testing.T) {
	f := newBoundedFixture(t, bounds.Of(1<<20, 60), nil, backend.Settings{})
	client := f.client(true)
	ctx, leave := context.WithCancel(t.Context())
	var refused atomic.Int64
	var done sync.WaitGroup
	for range 20 {
		done.Go(func() {
			req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+appHost, nil)
			resp, err := client.Do(req)
			if err != nil {
				return // it has left
			}
			if text, _ := io.ReadAll(resp.Body); resp.StatusCode != 503 || resp.Header.Get("Headway-Answer") != "too-many-connections" {
				t.Errorf("%s %q", resp.Status, text)
			}
			resp.Body.Close()
			refused.Add(1)
		})
	}
	// The connection counts 12 of 60; twice what is free is 32 when the app has 32.
	eventually(t, "8 wait, and 12 are refused", func() bool { return f.rev.Load().Queued == 8 && refused.Load() == 12 })
	leave()
	done.Wait()
	eventually(t, "what they held is given back", func() bool { return f.server.budget.Conns.TryTake(bounds.App{}, 12) })
}

// TestBodyThatFindsNoRoom stays with its client, and is answered in the end.
func TestBodyThatFindsNoRoom(t *testing.T) {
	f := newBoundedFixture(t, bounds.Of(64<<10, 100), nil, backend.Settings{Timeout: 100 * time.Millisecond}, http.HandlerFunc(count))
	other := bounds.App{Namespace: "default", Name: "other"}
	f.server.budget.Bytes.Force(other, 60<<10)
	conn, r := f.raw()
	_, _ = io.WriteString(conn, uploads[1].first+uploads[1].second)
	expect(t, r, 503, "as much as its share of this activator's memory")
	ends(t, r)

	f = newBoundedFixture(t, bounds.Of(1<<20, 100), nil, backend.Settings{}, http.HandlerFunc(count))
	f.server.budget.Bytes.Force(other, 1<<20)
	conn, r = f.raw()
	_, _ = io.WriteString(conn, uploads[1].first+uploads[1].second)
	f.server.budget.Bytes.Give(other, 1<<20)
	expect(t, r, 200, "65536 bytes")
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\n"+hostLine+"\r\n")
	expect(t, r, 200, "0 bytes")
	conn.Close()
	eventually(t, "nothing is held any more", func() bool { _, used, _ := f.server.budget.Bytes.State(); return used == 0 })
}
