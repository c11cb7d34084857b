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
	"testing"
	"time"

	"github.com/headway-dev/headway/scaler/activator/backend"
)

// upload is a request with a body, in two parts between which the client may
// do what it likes.
type upload struct{ name, first, second string }

// uploads go by the hot path, and in each way that leads to net/http.
var uploads = []upload{
	{"small", "POST /up HTTP/1.1\r\n" + hostLine + "Content-Length: 6\r\n\r\nabc", "def"},
	{"64 KiB", "POST /up HTTP/1.1\r\n" + hostLine + "Content-Length: 65536\r\n\r\n" + strings.Repeat("x", 40<<10), strings.Repeat("x", 24<<10)},
	{"100 KiB", "POST /up HTTP/1.1\r\n" + hostLine + "Content-Length: 102400\r\n\r\n" + strings.Repeat("x", 70<<10), strings.Repeat("x", 30<<10)},
	{"chunked", "POST /up HTTP/1.1\r\n" + hostLine + "Transfer-Encoding: chunked\r\n\r\n" + chunk(3), chunk(3) + "0\r\n\r\n"},
	{"HTTP/1.0", "POST /up HTTP/1.0\r\n" + hostLine + "Content-Length: 6\r\n\r\nabc", "def"},
}

// onEach runs a test for each upload, on a data path of its own.
func onEach(t *testing.T, s backend.Settings, app http.Handler, test func(*testing.T, *fixture, upload, net.Conn, *bufio.Reader)) {
	for _, u := range uploads {
		t.Run(u.name, func(t *testing.T) {
			f := newFixture(t, s, app)
			conn, r := f.raw()
			if _, err := io.WriteString(conn, u.first); err != nil {
				t.Fatal(err)
			}
			test(t, f, u, conn, r)
		})
	}
}

// count answers with the number of bytes that it was sent.
func count(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err == nil {
		fmt.Fprint(w, n, " bytes")
	}
}

// ends reports whether a connection ends after what was read of it.
func ends(t *testing.T, r *bufio.Reader) {
	t.Helper()
	if rest, err := io.ReadAll(r); len(rest) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection went on: %q, %v", rest, err)
	}
}

func TestSlowUploadIsNotASlowApp(t *testing.T) {
	const timeout = 50 * time.Millisecond
	onEach(t, backend.Settings{Timeout: timeout}, http.HandlerFunc(count), func(t *testing.T, f *fixture, u upload, conn net.Conn, r *bufio.Reader) {
		<-time.After(3 * timeout)
		_, _ = io.WriteString(conn, u.second)
		expect(t, r, 200, " bytes")
	})
	t.Run("HTTP/2", func(t *testing.T) {
		f := newFixture(t, backend.Settings{Timeout: timeout}, http.HandlerFunc(count))
		body, end := io.Pipe()
		go func() {
			_, _ = io.WriteString(end, "abc")
			<-time.After(3 * timeout)
			_, _ = io.WriteString(end, "def")
			end.Close()
		}()
		resp, err := f.client(true).Post("http://"+appHost, "", body)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if text, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || string(text) != "6 bytes" {
			t.Errorf("%s %q", resp.Status, text)
		}
	})
}

func TestSlowAppIsToldFromASlowUpload(t *testing.T) {
	const timeout = 50 * time.Millisecond
	silent := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	onEach(t, backend.Settings{Timeout: timeout}, silent, func(t *testing.T, f *fixture, u upload, conn net.Conn, r *bufio.Reader) {
		<-time.After(2 * timeout)
		_, _ = io.WriteString(conn, u.second)
		expect(t, r, 504, "did not begin to answer within 50ms")
	})
}

// TestAppThatTakesNothingIsASlowApp: as long as the app does not read, it is
// not the client that is waited for.
func TestAppThatTakesNothingIsASlowApp(t *testing.T) {
	release := make(chan struct{})
	deaf := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })
	f := newFixture(t, backend.Settings{Timeout: 100 * time.Millisecond}, deaf)
	conn, r := f.raw()
	go func() { // more than all buffers on the way take
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n", hostLine, 64<<20)
		_, _ = io.CopyN(conn, zeros{}, 64<<20)
	}()
	defer close(release)
	expect(t, r, 504, "did not begin to answer")
}

func TestClientThatStopsSendingIsToldSo(t *testing.T) {
	onEach(t, backend.Settings{Stall: 50 * time.Millisecond, Limit: 1}, http.HandlerFunc(count), func(t *testing.T, f *fixture, u upload, _ net.Conn, r *bufio.Reader) {
		expect(t, r, 408, "no byte of the request's body came for 50ms")
		ends(t, r)
		eventually(t, "nothing is left over", func() bool { return f.rev.Load().InFlight == 0 })
	})
	t.Run("HTTP/2", func(t *testing.T) {
		f := newFixture(t, backend.Settings{Stall: 50 * time.Millisecond}, http.HandlerFunc(count))
		body, end := io.Pipe()
		defer end.Close()
		resp, err := f.client(true).Post("http://"+appHost, "", body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != 408 {
			t.Errorf("got %s", resp.Status)
		}
	})
}

// TestClientThatLeavesInItsBody: its request ends, and it is not told that.
func TestClientThatLeavesInItsBody(t *testing.T) {
	onEach(t, backend.Settings{Limit: 1}, http.HandlerFunc(count), func(t *testing.T, f *fixture, u upload, conn net.Conn, r *bufio.Reader) {
		_ = conn.(*net.TCPConn).CloseWrite()
		ends(t, r)
		eventually(t, "nothing is left over", func() bool { return f.rev.Load().InFlight == 0 })
	})
}

// TestUploadThatWaitedForItsPod: what was read while it waited changes nothing
// for the app, nor for a client that stalls or is refused.
func TestUploadThatWaitedForItsPod(t *testing.T) {
	const size = 10 << 20
	large := fmt.Sprintf("POST /up HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n", hostLine, size)
	for _, c := range []struct {
		name, raw string
		rest      int64
		pod       func(t *testing.T) backend.Endpoint
		status    int
		body      string
	}{
		{"whole", large, size, nil, 200, "10485760 bytes"},
		{"chunked", uploads[3].first + uploads[3].second, 0, nil, 200, "6 bytes"},
		{"stalls", large, size / 2, nil, 408, "no byte of the request's body came"},
		{"stalls at once", large, 0, nil, 408, "no byte of the request's body came"},
		{"refused", large, size, func(t *testing.T) backend.Endpoint {
			return hasty(t, tooLarge, func(c *net.TCPConn) { c.Close() })
		}, 413, "too large"},
		{"refused while it stalls", large, size / 2, func(t *testing.T) backend.Endpoint { return hasty(t, tooLarge, nil) }, 413, "too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, backend.Settings{Stall: 200 * time.Millisecond})
			conn, r := f.raw()
			go func() {
				_, _ = io.WriteString(conn, c.raw)
				_, _ = io.CopyN(conn, zeros{}, c.rest)
			}()
			eventually(t, "it waits", func() bool { return f.rev.Load().Queued == 1 })
			pod := backend.Endpoint{UID: "1", Ready: true}
			if c.pod == nil {
				pod.Addr = startApp(t, http.HandlerFunc(count))
			} else {
				pod = c.pod(t)
			}
			f.rev.Update([]backend.Endpoint{pod})
			defer f.rev.Update(nil)
			expect(t, r, c.status, c.body)
			eventually(t, "nothing is left over", func() bool { return f.rev.Load().InFlight == 0 })
		})
	}
}

// TestAnswerThatNeedsNoPodDoesNotWaitForTheBody, which may never come.
func TestAnswerThatNeedsNoPodDoesNotWaitForTheBody(t *testing.T) {
	onEach(t, backend.Settings{}, http.HandlerFunc(count), func(t *testing.T, f *fixture, u upload, _ net.Conn, _ *bufio.Reader) {
		conn, r := f.raw()
		_, _ = io.WriteString(conn, strings.Replace(u.first, appHost, "nobody.localhost", 1))
		expect(t, r, 404, "No app answers")
		ends(t, r)
	})
}

// TestSmallBodyThatNobodyWantsIsSkipped, if it is there already: the
// connection goes on behind it.
func TestSmallBodyThatNobodyWantsIsSkipped(t *testing.T) {
	for _, u := range uploads {
		if strings.Contains(u.first, "HTTP/1.0") || len(u.first) > 1<<10 {
			continue
		}
		t.Run(u.name, func(t *testing.T) {
			f := newFixture(t, backend.Settings{}, text("fine"))
			conn, r := f.raw()
			_, _ = io.WriteString(conn, strings.Replace(u.first, appHost, "nobody.localhost", 1)+u.second+"GET / HTTP/1.1\r\n"+hostLine+"\r\n")
			expect(t, r, 404, "No app answers")
			expect(t, r, 200, "fine")
		})
	}
}
