package activator

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/headway-dev/headway/scaler/activator/backend"
)

const tooLarge = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 9\r\n\r\ntoo large"

// hasty is an app that answers as soon as it has read a request's head, and
// what it does then.
func hasty(t testing.TB, answer string, then func(*net.TCPConn)) backend.Endpoint {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	ended := make(chan struct{})
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
				for r, line := bufio.NewReaderSize(conn, 16), ""; line != "\r\n"; {
					if line, err = r.ReadString('\n'); err != nil {
						return
					}
				}
				_, _ = io.WriteString(conn, answer)
				if then == nil {
					<-ended
					return
				}
				then(conn.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() { close(ended); l.Close(); conns.Wait() })
	return backend.Endpoint{UID: l.Addr().String(), Addr: l.Addr().String(), Ready: true}
}

// TestEarlyAnswerReachesTheClient: an app need not read a body to refuse it.
func TestEarlyAnswerReachesTheClient(t *testing.T) {
	for name, then := range map[string]func(*net.TCPConn){
		"closes":     func(c *net.TCPConn) { c.Close() },
		"resets":     func(c *net.TCPConn) { _ = c.SetLinger(0); c.Close() },
		"reads on":   func(c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) },
		"reads none": nil,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, backend.Settings{})
			f.rev.Update([]backend.Endpoint{hasty(t, tooLarge, then)})
			defer f.rev.Update(nil) // ends the app's connections
			large := upload{name: "4 MiB", first: "POST /up HTTP/1.1\r\n" + hostLine + "Content-Length: 4194304\r\n\r\n"}
			for _, u := range append(uploads, large) {
				for i := range 20 {
					conn, r := f.raw()
					go func() {
						_, _ = io.WriteString(conn, u.first+u.second)
						if u.name == large.name {
							_, _ = io.CopyN(conn, zeros{}, 4<<20)
						}
					}()
					resp, err := http.ReadResponse(r, nil)
					if err != nil {
						t.Fatalf("%s, %d: %v", u.name, i, err)
					}
					body, err := io.ReadAll(resp.Body)
					if resp.Body.Close(); err != nil || resp.StatusCode != 413 || string(body) != "too large" {
						t.Fatalf("%s, %d: %s %q, %v", u.name, i, resp.Status, body, err)
					}
					conn.Close()
				}
			}
		})
	}
}

// TestEarlyAnswerReachesAClientThatStillSends: the answer to a body does not
// wait for its end, on the way to net/http's pods.
func TestEarlyAnswerReachesAClientThatStillSends(t *testing.T) {
	for name, answer := range map[string]string{"with a body": tooLarge, "without": "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"} {
		for how, then := range map[string]func(*net.TCPConn){"closes": func(c *net.TCPConn) { c.Close() }, "stays": nil} {
			t.Run(name+", "+how, func(t *testing.T) {
				f := newFixture(t, backend.Settings{})
				f.rev.Update([]backend.Endpoint{hasty(t, answer, then)})
				defer f.rev.Update(nil)
				for _, u := range uploads[2:4] { // those that are sent while they come
					conn, r := f.raw()
					_, _ = io.WriteString(conn, u.first)
					resp, err := http.ReadResponse(r, nil)
					if err != nil {
						t.Fatalf("%s: %v", u.name, err)
					}
					_, err = io.Copy(io.Discard, resp.Body)
					if resp.Body.Close(); err != nil || resp.StatusCode/100 != 4 || !resp.Close {
						t.Errorf("%s: %s, %v, close %v", u.name, resp.Status, err, resp.Close)
					}
					ends(t, r)
				}
			})
		}
	}
}

// TestPodThatDiesInAnUploadIsTold, even if the client sends nothing more.
func TestPodThatDiesInAnUploadIsTold(t *testing.T) {
	f := newFixture(t, backend.Settings{})
	f.rev.Update([]backend.Endpoint{hasty(t, "", func(c *net.TCPConn) { _ = c.SetLinger(0); c.Close() })})
	defer f.rev.Update(nil)
	for _, u := range uploads[2:4] {
		conn, r := f.raw()
		_, _ = io.WriteString(conn, u.first)
		expect(t, r, 502, "closed the connection before it answered")
		ends(t, r)
	}
}
