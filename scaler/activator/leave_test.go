package activator

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/headway-dev/headway/scaler/activator/backend"
)

// hostLine is what every raw request needs.
const hostLine = "Host: " + appHost + "\r\n"

// chunk is a chunk of n bytes.
func chunk(n int) string { return fmt.Sprintf("%x\r\n%s\r\n", n, strings.Repeat("x", n)) }

// waiting are requests that a client has sent, wholly or in part, when it
// leaves.
var waiting = []struct{ name, raw string }{
	{"plain", "GET /left HTTP/1.1\r\n" + hostLine + "\r\n"},
	{"plain, a second one behind it", "GET /left HTTP/1.1\r\n" + hostLine + "\r\nGET /left HTTP/1.1\r\n" + hostLine + "\r\n"},
	{"plain, half of a second one behind it", "GET /left HTTP/1.1\r\n" + hostLine + "\r\nGET /left HT"},
	{"small body", "POST /left HTTP/1.1\r\n" + hostLine + "Content-Length: 3\r\n\r\nabc"},
	{"body of 64 KiB", "POST /left HTTP/1.1\r\n" + hostLine + "Content-Length: 65536\r\n\r\n" + strings.Repeat("x", 64<<10)},
	{"HTTP/1.0", "GET /left HTTP/1.0\r\n" + hostLine + "\r\n"},
	{"HTTP/1.0 with a body", "POST /left HTTP/1.0\r\n" + hostLine + "Content-Length: 3\r\n\r\nabc"},
	{"not plain, a second one behind it", "GET /left HTTP/1.1\r\n" + hostLine + "Connection: x\r\n\r\nGET /left HTTP/1.1\r\n" + hostLine + "\r\n"},
	{"chunked", "POST /left HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\n" + chunk(3) + "0\r\n\r\n"},
	{"chunked, broken off", "POST /left HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\n" + chunk(3)},
	{"chunked, a second one behind it", "POST /left HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\n" + chunk(3) + "0\r\n\r\nGET /left HTTP/1.1\r\n" + hostLine + "\r\n"},
	{"body of 100 KiB", "POST /left HTTP/1.1\r\n" + hostLine + "Content-Length: 102400\r\n\r\n" + strings.Repeat("x", 100<<10)},
	{"body of 100 KiB, broken off", "POST /left HTTP/1.1\r\n" + hostLine + "Content-Length: 102400\r\n\r\n" + strings.Repeat("x", 70<<10)},
	{"body of 1 MiB", "POST /left HTTP/1.1\r\n" + hostLine + "Content-Length: 1048576\r\n\r\n" + strings.Repeat("x", 1<<20)},
	{"chunked body of 1 MiB, broken off", "POST /left HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\n" + chunk(1<<20)},
	{"waits to be asked for its body", "POST /left HTTP/1.1\r\n" + hostLine + "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"},
	{"upgrade", "GET /left HTTP/1.1\r\n" + hostLine + "Connection: Upgrade\r\nUpgrade: chat\r\n\r\n"},
}

// departures are the ways in which a client leaves.
var departures = map[string]func(*net.TCPConn){
	"closes":                func(c *net.TCPConn) { c.Close() },
	"resets":                func(c *net.TCPConn) { _ = c.SetLinger(0); c.Close() },
	"shuts down its writes": func(c *net.TCPConn) { _ = c.CloseWrite() },
}

// TestClientThatLeavesWhileItWaits: its request leaves the queue and never
// reaches the app, whatever of it was not read yet.
func TestClientThatLeavesWhileItWaits(t *testing.T) {
	for _, c := range waiting {
		for how, leave := range departures {
			t.Run(c.name+", "+how, func(t *testing.T) {
				var seen atomic.Int32
				app := startApp(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/left" {
						seen.Add(1)
					}
				}))
				f := newFixture(t, backend.Settings{Limit: 1})
				conn, answer := f.raw()
				go func() { _, _ = io.WriteString(conn, c.raw) }() // may be more than anybody reads
				eventually(t, "one is queued", func() bool { return f.rev.Load().Queued == 1 })
				leave(conn.(*net.TCPConn))
				eventually(t, "its place is free", func() bool { return f.rev.Load().Queued == 0 })
				if b, _ := io.ReadAll(answer); len(b) > 0 {
					t.Errorf("was answered %q", b)
				}
				f.rev.Update([]backend.Endpoint{{UID: "1", Name: "pod", Addr: app, Ready: true}})
				if status, _, _ := f.get("http://" + appHost + "/next"); status != 200 || seen.Load() > 0 {
					t.Errorf("the app was asked %d times by a client that had left, and the next one was answered %d", seen.Load(), status)
				}
			})
		}
	}
}

// TestClientThatLeavesWhileTheAppWorks: the app is told, also where a second
// request was sent behind the first, which hides the end of the connection from
// those who only read.
func TestClientThatLeavesWhileTheAppWorks(t *testing.T) {
	for name, raw := range map[string]string{
		"hot path": "GET / HTTP/1.1\r\n" + hostLine + "\r\n",
		"net/http": "GET / HTTP/1.1\r\n" + hostLine + "Connection: x\r\n\r\n",
		"HTTP/1.0": "GET / HTTP/1.0\r\n" + hostLine + "Connection: keep-alive\r\n\r\n",
		"body":     "POST / HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\n" + chunk(3) + "0\r\n\r\n",
	} {
		for _, second := range []string{"", "GET /second HTTP/1.1\r\n" + hostLine + "\r\n"} {
			t.Run(name+", behind it "+strings.SplitN(second+" ", " ", 2)[0], func(t *testing.T) {
				entered, told := make(chan struct{}), make(chan struct{})
				f := newFixture(t, backend.Settings{}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/second" {
						t.Error("the second one reached the app")
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					close(entered)
					<-r.Context().Done()
					close(told)
				}))
				conn, _ := f.raw()
				fmt.Fprint(conn, raw+second)
				<-entered
				conn.Close()
				select {
				case <-told:
				case <-time.After(5 * time.Second):
					t.Error("the app was not told")
				}
				eventually(t, "nothing is left over", func() bool { return f.rev.Load().InFlight == 0 })
			})
		}
	}
}

// TestUpgradedConnectionThatWaitedMayEndOneDirection: what ends the wait of a
// request is part of the conversation once the protocol was switched.
func TestUpgradedConnectionThatWaitedMayEndOneDirection(t *testing.T) {
	f := newFixture(t, backend.Settings{})
	conn, r := f.raw()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\n"+hostLine+"Connection: Upgrade\r\nUpgrade: chat\r\n\r\n")
	eventually(t, "it waits", func() bool { return f.rev.Load().Queued == 1 })
	f.rev.Update([]backend.Endpoint{{UID: "1", Ready: true, Addr: startApp(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, _ := http.NewResponseController(w).Hijack()
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n")
		all, _ := io.ReadAll(rw)
		time.Sleep(50 * time.Millisecond) // in which it must not be cut
		_, _ = io.WriteString(conn, strings.ToUpper(string(all)))
	}))}})
	for line := ""; line != "\r\n"; {
		var err error
		if line, err = r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	fmt.Fprint(conn, "hello")
	_ = conn.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(r); err != nil || string(got) != "HELLO" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestStreamThatIsCancelledWhileItWaits is the same over HTTP/2, where the
// client cancels one request of its connection.
func TestStreamThatIsCancelledWhileItWaits(t *testing.T) {
	f := newFixture(t, backend.Settings{})
	client := f.client(true)
	for name, body := range map[string]func() (io.Reader, func()){
		"none":         func() (io.Reader, func()) { return nil, func() {} },
		"small":        func() (io.Reader, func()) { return strings.NewReader("abc"), func() {} },
		"large":        func() (io.Reader, func()) { return io.LimitReader(zeros{}, 1<<20), func() {} },
		"never begins": func() (io.Reader, func()) { r, w := io.Pipe(); return r, func() { w.Close() } },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		reader, end := body()
		req, _ := http.NewRequestWithContext(ctx, "POST", "http://"+appHost, reader)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			if resp, err := client.Do(req); err == nil {
				t.Errorf("%s: answered %s", name, resp.Status)
				resp.Body.Close()
			}
		}()
		eventually(t, name+": one is queued", func() bool { return f.rev.Load().Queued == 1 })
		cancel()
		end()
		eventually(t, name+": its place is free", func() bool { return f.rev.Load().Queued == 0 })
		<-ended
	}
}
