package activator

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/scaler/activator/backend"
)

var update = flag.Bool("update", false, "write the golden file anew")

// routeCase is what a client sends and an app answers, byte by byte.
type routeCase struct {
	name    string
	request string
	// app is all that the app answers before it closes the connection; empty:
	// 200, "ok", and the connection stays.
	app string
	// h2c is whether a client can send the same over HTTP/2.
	h2c bool
	// differs is why the routes cannot be equal; empty: they are.
	differs string
}

// TestRoutesAreEqual sends every case over each route: to the hot path, to
// net/http on a connection that was handed over, and over HTTP/2 where it says
// the same. What client and app see is in testdata/routes.golden.
func TestRoutesAreEqual(t *testing.T) {
	var golden strings.Builder
	for _, c := range routeCases {
		fmt.Fprintf(&golden, "# %s\nclient sends %q\n", c.name, shorten(c.request))
		if c.app != "" {
			fmt.Fprintf(&golden, "app answers  %q\n", shorten(c.app))
		}
		var first string
		for _, r := range []struct {
			name string
			run  func(*testing.T, routeCase) string
		}{{"hot", overHot}, {"net/http", overNet}, {"h2c", overH2C}} {
			if r.name == "h2c" && !c.h2c {
				continue
			}
			got := ""
			if !t.Run(c.name+"/"+r.name, func(t *testing.T) { got = r.run(t, c) }) {
				continue
			}
			if r.name != "hot" && c.differs == "" {
				if diff := cmp.Diff(first, got); diff != "" {
					t.Errorf("%s: %s differs from the hot path (-hot +%s):\n%s", c.name, r.name, r.name, diff)
				}
				continue
			}
			if first = got; c.differs != "" {
				fmt.Fprintf(&golden, "%s:\n", r.name)
			}
			golden.WriteString(got)
		}
		if c.differs != "" {
			fmt.Fprintf(&golden, "They differ: %s.\n", c.differs)
		}
		golden.WriteString("\n")
	}
	const file = "testdata/routes.golden"
	if *update {
		if err := os.WriteFile(file, []byte(golden.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), golden.String()); diff != "" {
		t.Errorf("-want +got (go test -update writes it anew):\n%s", diff)
	}
}

func shorten(s string) string {
	if len(s) > 600 {
		return s[:100] + "..." + s[len(s)-60:]
	}
	return s
}

func overHot(t *testing.T, c routeCase) string { return overHTTP1(t, c, "") }

// handOver is a request with which a connection becomes net/http's.
const handOver = "POST / HTTP/1.1\r\nHost: nobody.localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"

func overNet(t *testing.T, c routeCase) string { return overHTTP1(t, c, handOver) }

func overHTTP1(t *testing.T, c routeCase, before string) string {
	app := newScript(t, c.app)
	f := newFixture(t, backend.Settings{Timeout: 5 * time.Second})
	f.rev.Update([]backend.Endpoint{{UID: "1", Addr: app.addr, Ready: true}})
	defer f.rev.Update(nil) // ends the app's connections
	conn, r := f.raw()
	if before != "" {
		_, _ = io.WriteString(conn, before)
		expect(t, r, http.StatusNotFound, "")
	}
	go func() { _, _ = io.WriteString(conn, c.request) }()
	method, _, _ := strings.Cut(strings.TrimLeft(c.request, "\r\n"), " ")
	var seen strings.Builder
	for status := 100; status < 200 && status != http.StatusSwitchingProtocols; {
		resp, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			fmt.Fprintf(&seen, "client sees  nothing: %v\n", err)
			break
		}
		status = resp.StatusCode
		see(&seen, resp)
	}
	end := "closed"
	if _, err := io.WriteString(conn, "GET /next HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n"); err == nil {
		if resp, err := http.ReadResponse(r, nil); err == nil {
			resp.Body.Close()
			end = fmt.Sprintf("open, and answers the next request with %d", resp.StatusCode)
		} else if errors.Is(err, os.ErrDeadlineExceeded) {
			end = "open, and says nothing more"
		}
	}
	return seen.String() + app.seen() + "connection   " + end + "\n"
}

// overH2C sends the case's request over HTTP/2 as far as that has words for it.
func overH2C(t *testing.T, c routeCase) string {
	app := newScript(t, c.app)
	f := newFixture(t, backend.Settings{Timeout: 5 * time.Second})
	f.rev.Update([]backend.Endpoint{{UID: "1", Addr: app.addr, Ready: true}})
	defer f.rev.Update(nil)

	head, body, _ := strings.Cut(strings.TrimSuffix(c.request, smuggled), "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	first := strings.Fields(lines[0])
	req := &http.Request{Method: first[0], URL: &url.URL{Scheme: "http", Host: appHost, Opaque: first[1]}, Header: http.Header{"User-Agent": nil}}
	if strings.HasPrefix(first[1], "//") { // as Opaque it would be a host
		req.URL.Path, req.URL.RawQuery, _ = strings.Cut(first[1], "?")
		req.URL.Opaque = ""
	}
	if body != "" {
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch name {
		case "Host":
			req.Host = value
		case "Content-Length", "Connection":
		default:
			req.Header.Add(name, value)
		}
	}
	var seen strings.Builder
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
		see(&seen, &http.Response{StatusCode: code, Header: http.Header(header), Body: http.NoBody})
		return nil
	}})
	resp, err := f.client(true).Do(req.WithContext(ctx))
	if err != nil {
		return fmt.Sprintf("%sclient sees  nothing: %v\n%s", seen.String(), err, app.seen())
	}
	see(&seen, resp)
	end := "open, and answers the next request with 404"
	if resp.StatusCode == http.StatusMethodNotAllowed || resp.StatusCode == http.StatusBadRequest {
		end = "closed" // of an HTTP/2 connection only the stream, which is nothing to see
	}
	return seen.String() + app.seen() + "connection   " + end + "\n"
}

// see notes a response and closes it.
func see(out *strings.Builder, resp *http.Response) {
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	fmt.Fprintf(out, "client sees  %d%s", resp.StatusCode, fields(resp.Header, "Connection"))
	if len(body) > 0 {
		line, _, _ := strings.Cut(string(body), "\n")
		fmt.Fprintf(out, "; %q", shorten(line))
	}
	if err != nil {
		out.WriteString("; broken off")
	}
	if trailer := fields(resp.Trailer); trailer != "" {
		fmt.Fprintf(out, "; trailers%s", trailer)
	}
	out.WriteString("\n")
}

// fields shows a header, but for the names in without.
func fields(h http.Header, without ...string) string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			if name == "Date" && value != oldDate {
				if _, err := http.ParseTime(value); err == nil {
					value = "now"
				}
			}
			if !slices.Contains(without, name) {
				fmt.Fprintf(&out, "; %s: %s", name, value)
			}
		}
	}
	return out.String()
}

// script is an app that notes what it understands, to the letter.
type script struct {
	addr string

	mu  sync.Mutex
	got strings.Builder
}

func newScript(t *testing.T, answer string) *script {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{addr: l.Addr().String()}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { defer conn.Close(); s.serve(conn, answer) })
		}
	})
	t.Cleanup(func() { l.Close(); conns.Wait() })
	return s
}

func (s *script) serve(conn net.Conn, answer string) {
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	r := bufio.NewReader(conn)
	for {
		if _, err := r.Peek(1); err != nil {
			return
		}
		req, err := http.ReadRequest(r)
		if err != nil {
			s.note("what is not a request: %v", err)
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return // broke off: the app knows that it has not got a request
		}
		trailers := fields(req.Trailer)
		if trailers != "" {
			trailers = "; trailers" + trailers
		}
		s.note("%s %q for %s%s; %q%s", req.Method, req.RequestURI, req.Host,
			fields(req.Header, "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"), body, trailers)
		if answer == "" {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nDate: "+oldDate+"\r\nContent-Length: 2\r\n\r\nok")
			continue
		}
		_, _ = io.WriteString(conn, answer)
		_ = conn.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, r)
		return
	}
}

// oldDate is when the apps of the tests have answered.
const oldDate = "Sun, 06 Nov 1994 08:49:37 GMT"

func (s *script) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.got, "app sees     "+format+"\n", args...)
}

func (s *script) seen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.got.Len() == 0 {
		return "app sees     nothing\n"
	}
	return s.got.String()
}
