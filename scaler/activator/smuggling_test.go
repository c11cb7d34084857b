package activator

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/headway-dev/headway/scaler/activator/backend"
)

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
		if b, err := r.Peek(2); err == nil && string(b) == "\r\n" {
			_, _ = r.Discard(2) // one empty line is no request and no fault
		}
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
	for _, c := range routeCases {
		if c.app == "" {
			f.Add([]byte(c.request))
			f.Add([]byte(handOver + c.request))
		}
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
