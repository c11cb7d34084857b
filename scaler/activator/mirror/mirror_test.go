package mirror

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestPanicsStayHere: neither the making of a copy nor its sending takes more
// with it, and no place is lost.
func TestPanicsStayHere(t *testing.T) {
	rev := backend.NewRevision(backend.Settings{Namespace: "default", Name: "shop-1", Timeout: time.Second}, backend.Hooks{})
	defer rev.Close()
	rev.Update([]backend.Endpoint{{UID: "1", Addr: "127.0.0.1:1", Ready: true}})
	request := func() *http.Request {
		r, _ := http.NewRequest("GET", "http://shop", nil)
		return r
	}
	m := New(func(*http.Request, *backend.Revision, backend.Lease) record.Outcome { panic("sending") }, slog.New(slog.DiscardHandler))
	for range 2 * most {
		m.Copy(rev, func() *http.Request { panic("making") })
	}
	for range most {
		m.Copy(rev, request)
	}
	m.Close()
	m.Copy(rev, request) // after the end nothing is sent
	registry := prometheus.NewRegistry()
	registry.MustRegister(m)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, result := range families[0].GetMetric() {
		if name, got := result.GetLabel()[0].GetValue(), result.GetCounter().GetValue(); name != failed || got != 3*most {
			t.Errorf("%v %s, want %d failed and nothing else", got, name, 3*most)
		}
	}
}
