//go:build e2e

package e2e

import (
	"bufio"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/test/localcluster"
)

// TestStreamsWakeAnApp: a WebSocket and a stream of events open on an app that
// sleeps, and then flow.
func TestStreamsWakeAnApp(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	revision := tm.startMeter("{idle: 2s}")

	tm.waitAsleep(revision)
	socket := tm.openSocket()
	socket.wantEcho(t, "one")
	socket.wantEcho(t, "two")
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
