//go:build e2e

package e2e

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/websocket"

	"github.com/headway-dev/headway/test/localcluster"
)

// TestStreamsWakeAnApp: a WebSocket and a stream of events open on an app that
// sleeps, and then flow.
func TestStreamsWakeAnApp(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	revision := tm.startMeter("{idle: 2s}")

	tm.waitAsleep(revision)
	config, err := websocket.NewConfig(strings.Replace(tm.url("meter"), "http", "ws", 1)+"echo", tm.url("meter"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", "127.0.0.1:"+localcluster.PublicPort)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	socket, err := websocket.NewClient(config, conn)
	if err != nil {
		t.Fatalf("opening a WebSocket: %v", err)
	}
	for _, text := range []string{"one", "two"} {
		var got string
		if err := websocket.Message.Send(socket, text); err != nil {
			t.Fatalf("sending %q: %v", text, err)
		}
		if err := websocket.Message.Receive(socket, &got); err != nil || got != text {
			t.Fatalf("the echo of %q is %q, %v", text, got, err)
		}
	}
	if err := socket.Close(); err != nil {
		t.Fatal(err)
	}

	tm.waitAsleep(revision)
	web := localcluster.Browser()
	defer web.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tm.url("meter")+"events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := web.Do(request)
	if err != nil {
		t.Fatalf("opening the events: %v", err)
	}
	defer response.Body.Close()
	var at []time.Time
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "data: ") {
			at = append(at, time.Now())
		}
	}
	if len(at) != 5 || at[4].Sub(at[0]) < 600*time.Millisecond {
		t.Errorf("%d events came at %v; want five, 200 ms apart", len(at), at)
	}
}
