package activator

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
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

// TestResponseThatNobodyAskedForReachesNobody: an app that sends more than one
// response to a request must not answer the next one with what is left.
func TestResponseThatNobodyAskedForReachesNobody(t *testing.T) {
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
				for r := bufio.NewReader(conn); ; {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					_, _ = io.WriteString(conn, okHead+"Content-Length: 2\r\n\r\nok"+okHead+"Content-Length: 4\r\n\r\nevil")
				}
			})
		}
	})
	f := newFixture(t, backend.Settings{})
	f.rev.Update([]backend.Endpoint{{UID: "1", Addr: l.Addr().String(), Ready: true}})
	defer func() { l.Close(); f.rev.Update(nil); conns.Wait() }()
	for _, before := range []string{"", handOver} {
		conn, r := f.raw()
		if before != "" {
			_, _ = io.WriteString(conn, before)
			expect(t, r, http.StatusNotFound, "")
		}
		for range 50 {
			_, _ = io.WriteString(conn, getShop)
			expect(t, r, http.StatusOK, "ok")
		}
		conn.Close()
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
	for _, c := range routeCases {
		if c.app != "" {
			f.Add([]byte(c.app))
		}
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
		for _, before := range []string{"", handOver} {
			answered(t, fx.addr, before)
		}
	})
}

// answered sends two requests after before, and wants two framed responses.
func answered(t *testing.T, addr, before string) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	r := bufio.NewReader(conn)
	if before != "" {
		_, _ = io.WriteString(conn, before)
		expect(t, r, http.StatusNotFound, "")
	}
	_, _ = io.WriteString(conn, getShop+"GET / HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n")
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
	expect(t, r, http.StatusNotFound, "No app answers")
}
