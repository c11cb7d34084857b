package activator

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/scaler/activator/backend"
)

// path answers with the path and the body it got, after the time that the
// query asks for.
func path(w http.ResponseWriter, r *http.Request) {
	if d, err := time.ParseDuration(r.URL.RawQuery); err == nil {
		time.Sleep(d)
	}
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s%s", r.Method, r.URL.Path, body)
}

// expect reads the next response of a connection.
func expect(t *testing.T, r *bufio.Reader, status int, body string) {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status || !strings.Contains(string(got), body) {
		t.Fatalf("%s %q, %v; want %d %q", resp.Status, got, err, status, body)
	}
}

func TestOneConnectionOfManyKinds(t *testing.T) {
	f := newFixture(t, backend.Settings{}, http.HandlerFunc(path))
	conn, r := f.raw()
	send := func(s string) { _, _ = io.WriteString(conn, s) }
	host := "Host: " + appHost + "\r\n"

	send("GET /1 HTTP/1.1\r\n" + host + "\r\nGET /2 HTTP/1.1\r\n" + host + "\r\nPOST /3 HTTP/1.1\r\n" + host + "Content-Length: 2\r\n\r\nabGET /4 HTTP/1.1\r\n" + host + "\r\n")
	expect(t, r, 200, "GET /1")
	expect(t, r, 200, "GET /2")
	expect(t, r, 200, "POST /3ab")
	expect(t, r, 200, "GET /4")

	// A body that comes later, and in pieces.
	send("POST /5 HTTP/1.1\r\n" + host + "Content-Length: 4\r\n\r\n")
	time.Sleep(10 * time.Millisecond)
	send("c")
	time.Sleep(10 * time.Millisecond)
	send("defGET /6 HTTP/1.1\r\n" + host + "\r\n")
	expect(t, r, 200, "POST /5cdef")
	expect(t, r, 200, "GET /6")

	// A request that comes while a slow one is watched.
	send("GET /7 HTTP/1.1\r\nHo")
	time.Sleep(10 * time.Millisecond)
	send("st: " + appHost + "\r\nX: y\r\n\r\nGET /8?250ms HTTP/1.1\r\n" + host + "\r\n")
	time.Sleep(150 * time.Millisecond)
	send("GET /9 HTTP/1.1\r\n" + host + "\r\n")
	expect(t, r, 200, "GET /7")
	expect(t, r, 200, "GET /8")
	expect(t, r, 200, "GET /9")

	send("GET / HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n")
	expect(t, r, 404, "No app answers")

	// From here on it is net/http's.
	send("POST /10 HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n0\r\n\r\nGET /11 HTTP/1.1\r\n" + host + "\r\n")
	expect(t, r, 200, "POST /10xy")
	expect(t, r, 200, "GET /11")
	send("GET /12 HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n")
	expect(t, r, 200, "GET /12")
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("after Connection: close: %v, want EOF", err)
	}
}

func TestClientThatVanishesInTheQueueLeavesIt(t *testing.T) {
	release := make(chan struct{})
	f := newFixture(t, backend.Settings{Limit: 1}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	first, r := f.raw()
	fmt.Fprintf(first, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", appHost)
	eventually(t, "one in flight", func() bool { return f.rev.Load().InFlight == 1 })
	for _, request := range []string{"GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nContent-Length: 3\r\n", "GET / HTTP/1.0\r\n"} {
		body := ""
		if strings.HasPrefix(request, "POST") {
			body = "abc"
		}
		conn, _ := f.raw()
		fmt.Fprintf(conn, "%sHost: %s\r\n\r\n%s", request, appHost, body)
		eventually(t, "one queued", func() bool { return f.rev.Load().Queued == 1 })
		conn.Close()
		eventually(t, "its place is free", func() bool { return f.rev.Load().Queued == 0 })
	}
	close(release)
	expect(t, r, 200, "")
}

// TestLimitHoldsWhenClientsVanish: a pod works on a request until it has
// noticed that the client has gone, and counts as busy until then.
func TestLimitHoldsWhenClientsVanish(t *testing.T) {
	stubborn, release := make(chan struct{}, 1), make(chan struct{})
	f := newFixture(t, backend.Settings{Limit: 1}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stubborn" {
			stubborn <- struct{}{}
			<-release // takes no notice of its context
		}
	}))
	for _, extra := range []string{"", "Connection: keep-alive, x\r\n"} { // the hot path, and net/http
		conn, _ := f.raw()
		fmt.Fprintf(conn, "GET /stubborn HTTP/1.1\r\nHost: %s\r\n%s\r\n", appHost, extra)
		<-stubborn
		conn.Close()
		other, r := f.raw()
		fmt.Fprintf(other, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", appHost)
		eventually(t, "the next one waits", func() bool { return f.rev.Load().Queued == 1 })
		time.Sleep(300 * time.Millisecond)
		if got := f.rev.Load(); got.InFlight != 1 || got.Queued != 1 {
			t.Fatalf("%q: %+v while the pod still works, want 1 in flight and 1 queued", extra, got)
		}
		release <- struct{}{}
		expect(t, r, 200, "")
	}
}

func TestConnectionThatThePodClosedIsNotUsed(t *testing.T) {
	f := newFixture(t, backend.Settings{})
	addr := scripted(t, func() string { return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" }) // and closes
	f.rev.Update([]backend.Endpoint{{UID: "1", Addr: addr, Ready: true}})
	defer f.rev.Update(nil)
	conn, r := f.raw()
	for range 30 {
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 1\r\n\r\nx", appHost)
		expect(t, r, 200, "ok")
		time.Sleep(2 * time.Millisecond)
	}
}

// TestDrainingServesWhoeverComes: until every node knows that the activator drains,
// connections are still made to it, and requests follow on them.
func TestDrainingServesWhoeverComes(t *testing.T) {
	f := newFixture(t, backend.Settings{}, http.HandlerFunc(path))
	kept, keptReader := f.raw()
	fmt.Fprintf(kept, "GET /1 HTTP/1.1\r\nHost: %s\r\n\r\n", appHost)
	expect(t, keptReader, 200, "GET /1")
	f.server.Leave()
	fresh, freshReader := f.raw()
	time.Sleep(20 * time.Millisecond) // it is accepted and read from by now
	for conn, r := range map[net.Conn]*bufio.Reader{kept: keptReader, fresh: freshReader} {
		fmt.Fprintf(conn, "GET /2 HTTP/1.1\r\nHost: %s\r\n\r\n", appHost)
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusOK || !resp.Close {
			t.Errorf("status %d, close %v", resp.StatusCode, resp.Close)
		}
	}
}

func TestDrainClosesIdleConnections(t *testing.T) {
	f := newFixture(t, backend.Settings{}, http.HandlerFunc(path))
	conn, r := f.raw()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", appHost)
	expect(t, r, 200, "GET /")
	fresh, _ := f.raw()
	fmt.Fprint(fresh, "GE") // in the middle of a head, and never goes on
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	time.Sleep(10 * time.Millisecond)
	if err := f.server.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	for _, c := range []net.Conn{conn, fresh} {
		if _, err := c.Read(make([]byte, 1)); err == nil {
			t.Error("a connection is still open")
		} else if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("a connection is still open")
		}
	}
}
