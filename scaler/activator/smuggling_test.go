package activator

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-dev/headway/scaler/activator/backend"
)

// refused are requests that two servers could understand in two ways, and what
// the client is told.
var refused = []struct {
	name, raw string
	status    int
}{
	{"length and encoding", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX", 400},
	{"encoding and length", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nX", 400},
	{"two lengths", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400},
	{"the same length twice", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400},
	{"list of lengths", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 1, 1\r\n\r\na", 400},
	{"signed length", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: +1\r\n\r\na", 400},
	{"hexadecimal length", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 0x1\r\n\r\na", 400},
	{"empty length", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length:\r\n\r\na", 400},
	{"length beyond 64 bits", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 18446744073709551617\r\n\r\na", 400},
	{"other encoding", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
	{"hidden encoding", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
	{"quoted encoding", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 501},
	{"two encodings", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 501},
	{"vertical tab before chunked", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400},
	{"space before the colon", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
	{"folded line", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
	{"no colon", "GET / HTTP/1.1\r\nHost: shop.localhost\r\nX\r\n\r\n", 400},
	{"empty name", "GET / HTTP/1.1\r\nHost: shop.localhost\r\n: x\r\n\r\n", 400},
	{"bare LF", "GET / HTTP/1.1\nHost: shop.localhost\n\n", 400},
	{"bare LF in the head", "GET / HTTP/1.1\r\nHost: shop.localhost\r\nX: a\nY: b\r\n\r\n", 400},
	{"bare CR in a value", "GET / HTTP/1.1\r\nHost: shop.localhost\r\nX: a\rY: b\r\n\r\n", 400},
	{"NUL in a value", "GET / HTTP/1.1\r\nHost: shop.localhost\r\nX: a\x00b\r\n\r\n", 400},
	{"two hosts", "GET / HTTP/1.1\r\nHost: shop.localhost\r\nHost: other.localhost\r\n\r\n", 400},
	{"no host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", 400},
	{"empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
	{"host with a path", "GET / HTTP/1.1\r\nHost: shop.localhost/x\r\n\r\n", 400},
	{"host with a user", "GET / HTTP/1.1\r\nHost: a@shop.localhost\r\n\r\n", 400},
	{"space in the target", "GET /a b HTTP/1.1\r\nHost: shop.localhost\r\n\r\n", 400},
	{"tab in the target", "GET /a\tb HTTP/1.1\r\nHost: shop.localhost\r\n\r\n", 400},
	{"two spaces", "GET  / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n", 400},
	{"no target", "GET HTTP/1.1\r\nHost: shop.localhost\r\n\r\n", 400},
	{"no version", "GET /\r\nHost: shop.localhost\r\n\r\n", 400},
	{"other version", "GET / HTTP/1.2\r\nHost: shop.localhost\r\n\r\n", 505},
	{"lower case version", "GET / http/1.1\r\nHost: shop.localhost\r\n\r\n", 505},
	{"method with a control character", "G\x01T / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n", 400},
	{"empty line first", "\r\nGET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n", 400},
	{"head too large", "GET / HTTP/1.1\r\nHost: shop.localhost\r\nX: " + strings.Repeat("a", 70<<10) + "\r\n\r\n", 431},
	{"tunnel", "CONNECT shop.localhost:80 HTTP/1.1\r\nHost: shop.localhost\r\n\r\n", 405},
	// These are net/http's to refuse.
	{"broken chunk size", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", 400},
	{"negative chunk size", "POST / HTTP/1.1\r\nHost: shop.localhost\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", 400},
}

func TestAmbiguousRequestsAreRefused(t *testing.T) {
	app := newRecorder(t)
	f := newFixture(t, backend.Settings{})
	f.rev.Update([]backend.Endpoint{{UID: "1", Addr: app.addr, Ready: true}})
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			conn, r := f.raw()
			go func() {
				_, _ = io.WriteString(conn, c.raw+"GET /smuggled HTTP/1.1\r\nHost: shop.localhost\r\n\r\n")
			}()
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode != c.status {
				t.Errorf("got %s, want %d", resp.Status, c.status)
			}
			if rest, _ := io.ReadAll(r); len(rest) > 0 {
				t.Errorf("the connection went on: %q", rest)
			}
		})
	}
	for _, got := range app.all() {
		t.Errorf("the app got %+v", got)
	}
}

// recorder is an app that trusts what it gets to the letter, and notes what it
// understood.
type recorder struct {
	addr string

	mu    sync.Mutex
	got   []recorded
	fault string
}

type recorded struct {
	method, target, host, body string
}

func newRecorder(t testing.TB) *recorder {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &recorder{addr: l.Addr().String()}
	var conns sync.WaitGroup
	var mu sync.Mutex
	var opened []net.Conn
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			opened = append(opened, conn)
			mu.Unlock()
			conns.Go(func() { defer conn.Close(); a.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range opened {
			c.Close()
		}
		mu.Unlock()
		conns.Wait()
	})
	return a
}

func (a *recorder) serve(conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		if _, err := r.Peek(1); err != nil {
			return
		}
		req, err := http.ReadRequest(r)
		if err != nil {
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				a.note(nil, "not a request: "+err.Error())
			}
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // broke off: the app sees that
		}
		a.note(&recorded{req.Method, req.RequestURI, req.Host, string(body)}, "")
		if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
			return
		}
	}
}

func (a *recorder) note(r *recorded, fault string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r != nil {
		a.got = append(a.got, *r)
	}
	if fault != "" {
		a.fault = fault
	}
}

func (a *recorder) all() []recorded {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]recorded(nil), a.got...)
}

// take returns what was noted and forgets it.
func (a *recorder) take() ([]recorded, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	got, fault := a.got, a.fault
	a.got, a.fault = nil, ""
	return got, fault
}

// understood is how net/http understands a connection's bytes.
func understood(raw []byte) []recorded {
	var out []recorded
	r := bufio.NewReader(bytes.NewReader(raw))
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return out
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return out
		}
		out = append(out, recorded{req.Method, req.RequestURI, req.Host, string(body)})
	}
}

// FuzzRequests sends bytes through the whole data path. Whatever a client
// sends, the app must understand no other requests than net/http understands
// in the client's bytes, in the same order and with the same bodies.
func FuzzRequests(f *testing.F) {
	for _, c := range refused {
		f.Add([]byte(c.raw + "GET /smuggled HTTP/1.1\r\nHost: shop.localhost\r\n\r\n"))
	}
	for _, raw := range []string{
		"GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\nGET /2 HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 3\r\n\r\nabcPOST / HTTP/1.1\r\nHost: shop.localhost\r\nContent-Length: 0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: shop.localhost\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX: y\r\n\r\nGET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n",
		"HEAD /%2e%2e/?a#b HTTP/1.1\r\nHost: SHOP.localhost:80\r\nX-Forwarded-For: 1.2.3.4\r\nTE: trailers\r\n\r\n",
		"GET http://shop.localhost/x HTTP/1.1\r\nHost: other\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: shop.localhost\r\n\r\n",
		"GET / HTTP/1.0\r\nHost: shop.localhost\r\nConnection: keep-alive\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: shop.localhost\r\nConnection: upgrade, x\r\nUpgrade: y\r\nX: z\r\n\r\nraw",
	} {
		f.Add([]byte(raw))
	}
	fx := newFixture(f, backend.Settings{Timeout: 2 * time.Second})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if bytes.HasPrefix(raw, []byte("PRI ")) || len(raw) > 200<<10 {
			return // HTTP/2 is net/http's alone
		}
		app := newRecorder(t)
		fx.rev.Update([]backend.Endpoint{{UID: app.addr, Addr: app.addr, Ready: true}})
		defer fx.rev.Update(nil)
		conn, err := net.Dial("tcp", fx.addr)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = conn.Write(raw) }()
		untilSilent(conn)
		conn.Close()
		eventually(t, "nothing runs", func() bool { return fx.server.running.Len() == 0 })

		got, fault := app.take()
		if fault != "" {
			t.Fatalf("the app got %s", fault)
		}
		want := understood(raw)
		for i, g := range got {
			found := false
			for len(want) > 0 && !found {
				found = want[0].method == g.method && want[0].body == g.body
				want = want[1:]
			}
			if !found {
				t.Fatalf("request %d at the app is not one of the client's: %+v", i, g)
			}
		}
	})
}

// untilSilent reads until the server closes the connection or says nothing
// more, as it does after the last request and in the middle of one.
func untilSilent(conn net.Conn) {
	b := make([]byte, 4096)
	for {
		_ = conn.SetReadDeadline(time.Now().Add(30 * time.Millisecond))
		if _, err := conn.Read(b); err != nil {
			return
		}
	}
}
