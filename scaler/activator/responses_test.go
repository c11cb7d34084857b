package activator

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-dev/headway/scaler/activator/backend"
)

// scripted is an app that answers every connection with the same bytes, once,
// and closes it.
func scripted(t testing.TB, answer func() string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
				req, err := http.ReadRequest(bufio.NewReader(conn))
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				_, _ = io.WriteString(conn, answer())
				_ = conn.(*net.TCPConn).CloseWrite()
				_, _ = io.Copy(io.Discard, conn)
			})
		}
	})
	t.Cleanup(func() { l.Close(); conns.Wait() })
	return l.Addr().String()
}

func TestResponsesAreFramedAnew(t *testing.T) {
	for _, c := range []struct {
		name, method, raw string
		status            int
		body              string // "!" at the end: breaks off
	}{
		{"length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
		{"more than its length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n", 200, "hello"},
		{"less than its length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", 200, "hello!"},
		{"until close", "GET", "HTTP/1.1 200 OK\r\n\r\nhello", 200, "hello"},
		{"HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\n\r\nhello", 200, "hello"},
		{"LF only", "GET", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", 200, "hello"},
		{"no reason", "GET", "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
		{"chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n", 200, "hello"},
		{"chunks and a length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "hello"},
		{"broken chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhellox\r\n0\r\n\r\n", 200, "hello!"},
		{"no last chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 200, "hello!"},
		{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, ""},
		{"204 with a length", "GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", 204, ""},
		{"304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, ""},
		{"100 first", "GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
		{"two lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", 502, ""},
		{"the same length twice", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
		{"length is no number", "GET", "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello", 502, ""},
		{"unknown encoding", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello", 502, ""},
		{"switch not asked for", "GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nhello", 502, ""},
		{"not HTTP", "GET", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 502, ""},
		{"nothing", "GET", "", 502, ""},
		{"half a head", "GET", "HTTP/1.1 200 OK\r\nX: ", 502, ""},
		{"endless head", "GET", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 80<<10), 502, ""},
		{"folded header", "GET", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", 502, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, backend.Settings{Timeout: time.Second})
			f.rev.Update([]backend.Endpoint{{UID: "1", Addr: scripted(t, func() string { return c.raw }), Ready: true}})
			defer f.rev.Update(nil) // ends the app's connections
			conn, r := f.raw()
			fmt.Fprintf(conn, "%s / HTTP/1.1\r\nHost: %s\r\n\r\n", c.method, appHost)
			resp, err := http.ReadResponse(r, &http.Request{Method: c.method})
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			want, broken := strings.CutSuffix(c.body, "!")
			if resp.StatusCode != c.status || (c.status < 500 && string(body) != want) || (err != nil) != broken {
				t.Errorf("%s %q, %v; want %d %q, broken %v", resp.Status, body, err, c.status, want, broken)
			}
			if broken {
				return
			}
			// Nothing is left of the response: the connection still serves.
			fmt.Fprintf(conn, "%s /second HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n", "GET")
			expect(t, r, 404, "No app answers")
		})
	}
}

// FuzzResponses lets an app answer with any bytes. The client must get a
// framed response, and the next response of its connection must be the next.
func FuzzResponses(f *testing.F) {
	for _, raw := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 200 OK\nConnection: X-A, close\nX-A: b\n\nuntil close",
		"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.0 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	} {
		f.Add([]byte(raw))
	}
	var mu sync.Mutex
	var script string
	fx := newFixture(f, backend.Settings{Timeout: 2 * time.Second})
	fx.rev.Update([]backend.Endpoint{{UID: "1", Ready: true, Addr: scripted(f, func() string {
		mu.Lock()
		defer mu.Unlock()
		return script
	})}})
	f.Fuzz(func(t *testing.T, raw []byte) {
		mu.Lock()
		script = string(raw)
		mu.Unlock()
		conn, err := net.Dial("tcp", fx.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+appHost+"\r\n\r\nGET / HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n")
		r := bufio.NewReader(conn)
		for {
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatalf("the client got no response: %v", err)
			}
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatal("the response does not end")
			}
			if err != nil {
				return // broke off, and the client knows
			}
			if resp.StatusCode >= 200 {
				break
			}
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("no second response: %v", err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Fatalf("the second response is %s", resp.Status)
		}
	})
}
