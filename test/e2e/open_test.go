//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/test/localcluster"
)

// socket is a WebSocket to meter's echo.
type socket struct{ *websocket.Conn }

// openSocket opens one; the app may have to wake for it.
func (tm *team) openSocket() socket {
	tm.Helper()
	config, err := websocket.NewConfig(strings.Replace(tm.url("meter"), "http", "ws", 1)+"echo", tm.url("meter"))
	if err != nil {
		tm.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(tm.Context(), "tcp", "127.0.0.1:"+layout.PublicPort)
	if err != nil {
		tm.Fatal(err)
	}
	tm.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		tm.Fatal(err)
	}
	ws, err := websocket.NewClient(config, conn)
	if err != nil {
		tm.Fatalf("opening a WebSocket: %v", err)
	}
	return socket{ws}
}

func (s socket) wantEcho(t *testing.T, text string) {
	t.Helper()
	var got string
	if err := websocket.Message.Send(s.Conn, text); err != nil {
		t.Fatalf("sending %q: %v", text, err)
	}
	if err := websocket.Message.Receive(s.Conn, &got); err != nil || got != text {
		t.Fatalf("the echo of %q is %q, %v", text, got, err)
	}
}

// waitClosed waits until the other side ends the WebSocket.
func (s socket) waitClosed(t *testing.T) {
	t.Helper()
	var got string
	if err := websocket.Message.Receive(s.Conn, &got); err == nil {
		t.Fatalf("the WebSocket said %q, want it closed", got)
	}
}

// download is one that runs.
type download struct {
	lines int
	ended chan error
	body  string // once ended
	took  time.Duration
}

// startDownload begins one with so many lines, 100 ms apart, and returns when
// the first has come.
func (tm *team) startDownload(lines int) *download {
	tm.Helper()
	url := fmt.Sprintf("%sdownload?lines=%d", tm.url("meter"), lines)
	request, err := http.NewRequestWithContext(tm.Context(), http.MethodGet, url, nil)
	if err != nil {
		tm.Fatal(err)
	}
	d := &download{lines: lines, ended: make(chan error, 1)}
	began := make(chan struct{})
	begin := time.Now()
	go func() {
		defer close(began)
		web := localcluster.Browser()
		defer web.CloseIdleConnections()
		response, err := web.Do(request)
		if err != nil {
			d.ended <- err
			return
		}
		defer response.Body.Close()
		began <- struct{}{}
		body, err := io.ReadAll(response.Body)
		d.body, d.took = string(body), time.Since(begin)
		d.ended <- err
	}()
	<-began
	return d
}

// wait wants all lines, and reports whether the app was told to leave while
// they came.
func (d *download) wait(t *testing.T) (told bool) {
	t.Helper()
	err := <-d.ended
	n := strings.Count(d.body, "\n")
	t.Logf("%d lines in %s", n, d.took.Round(time.Millisecond))
	if err != nil || n != d.lines {
		t.Errorf("%d of %d lines came: %v", n, d.lines, err)
	}
	return strings.Contains(d.body, "leaving=true")
}
