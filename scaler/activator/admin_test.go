package activator

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/stats"
)

func TestMetrics(t *testing.T) {
	f := newFixture(t, backend.Settings{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bad" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	for _, path := range []string{"/", "/", "/bad"} { // one after the other on one connection
		f.get("http://" + appHost + path)
	}
	f.get("http://nobody.localhost/")
	conn, _ := f.raw()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\n\r\n") // no host
	admin := adminOf(f).adminHandler()
	want := []string{
		`headway_activator_requests_total{app="shop",code="2xx",namespace="default",revision="shop-1a2b3c4d"} 2`,
		`headway_activator_requests_total{app="shop",code="5xx",namespace="default",revision="shop-1a2b3c4d"} 1`,
		`headway_activator_pods_open{app="shop",namespace="default",revision="shop-1a2b3c4d"} 1`,
		`headway_activator_requests_in_flight{app="shop",namespace="default",revision="shop-1a2b3c4d"} 0`,
		`headway_activator_request_duration_seconds_count{app="shop",namespace="default",revision="shop-1a2b3c4d"} 3`,
		`headway_activator_request_duration_seconds_bucket{app="shop",namespace="default",revision="shop-1a2b3c4d",le="32.768"} 3`,
		`headway_activator_own_answers_total{reason="unknown-host"} 1`,
		`headway_activator_own_answers_total{reason="refused"} 1`,
	}
	eventually(t, strings.Join(want, "\n"), func() bool {
		w := httptest.NewRecorder()
		admin.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		lines := strings.Split(w.Body.String(), "\n")
		return !slices.ContainsFunc(want, func(line string) bool { return !slices.Contains(lines, line) })
	})
}

// adminOf is a process that looks at f.
func adminOf(f *fixture) *process {
	p := &process{access: f.access, server: f.server, starts: stats.NewStarts(), serving: make(chan struct{})}
	close(p.serving)
	p.tables.Store(f.tables.Load())
	return p
}

func TestAdmin(t *testing.T) {
	f := newFixture(t, backend.Settings{}, text("x"))
	p := adminOf(f)
	admin := p.adminHandler()
	ask := func(method, path, body, from string) int {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.RemoteAddr = from
		admin.ServeHTTP(w, r)
		return w.Code
	}
	const self, other = "127.0.0.1:5", "198.18.0.9:5"
	for _, c := range []struct {
		name, method, path, body, from string
		prepare                        func()
		status                         int
		logs                           bool
	}{
		{name: "healthy", method: "GET", path: "/healthz", from: other, status: 200},
		{name: "not ready", method: "GET", path: "/readyz", from: other, status: 503},
		{name: "ready", method: "GET", path: "/readyz", from: other, status: 200, prepare: func() { p.ready.Store(true) }},
		{name: "metrics", method: "GET", path: "/metrics", from: other, status: 200},
		{name: "another pod switches the log", method: "PUT", path: "/access-log", body: "on", from: other, status: 403},
		{name: "nonsense", method: "PUT", path: "/access-log", body: "maybe", from: self, status: 400},
		{name: "on", method: "PUT", path: "/access-log", body: "on", from: self, status: 200, logs: true},
		{name: "too long", method: "PUT", path: "/access-log", body: strings.Repeat("off", 50), from: self, status: 400, logs: true},
		{name: "off", method: "PUT", path: "/access-log", body: "off", from: self, status: 200},
	} {
		if c.prepare != nil {
			c.prepare()
		}
		if got := ask(c.method, c.path, c.body, c.from); got != c.status || f.access.On() != c.logs {
			t.Errorf("%s: status %d, log %v; want %d, %v", c.name, got, f.access.On(), c.status, c.logs)
		}
	}
}

// TestReadinessWaitsForAStart, but not for ever, and not for the end of a stop.
func TestReadinessWaitsForAStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &process{serving: make(chan struct{})}
		began := time.Now()
		time.AfterFunc(time.Second, func() { close(p.serving) })
		p.awaitServing(t.Context())
		if took := time.Since(began); took != time.Second {
			t.Errorf("an activator that serves after 1s was waited for %s", took)
		}
		p.awaitServing(t.Context())
		if took := time.Since(began); took != time.Second {
			t.Errorf("one that has served was waited for until %s", took)
		}
		p = &process{serving: make(chan struct{})}
		p.awaitServing(t.Context())
		if took := time.Since(began); took != time.Second+startPatience {
			t.Errorf("one that does not start was waited for until %s", took)
		}
	})
}
