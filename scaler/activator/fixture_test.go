package activator

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/headway-dev/headway/scaler/activator/accesslog"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/bounds"
	"github.com/headway-dev/headway/scaler/activator/table"
	"github.com/headway-dev/headway/scaler/activator/trace"
)

func TestMain(m *testing.M) {
	if play, is := roles[os.Getenv(roleVariable)]; is {
		play()
	}
	goleak.VerifyTestMain(m)
}

// roleVariable makes a process of the test's program play a role of its own.
const roleVariable = "ACTIVATOR_TEST_ROLE"

// roles do not return.
var roles = map[string]func(){"supervisor": supervisorRole, "activator": activatorRole, "crowded": crowdedRole}

// appHost is the host of the app in every fixture.
const appHost = "shop.localhost"

// fixture is a whole data path on a loopback socket in front of one revision.
type fixture struct {
	t      testing.TB
	addr   string
	server *Server
	rev    *backend.Revision
	tables *atomic.Pointer[table.Table]
	access *accesslog.Log
	logs   io.Writer
}

// newFixture starts a data path whose revision has the given pods.
func newFixture(t testing.TB, s backend.Settings, apps ...http.Handler) *fixture {
	t.Helper()
	return newTracedFixture(t, nil, s, apps...)
}

func newTracedFixture(t testing.TB, tracer *trace.Tracer, s backend.Settings, apps ...http.Handler) *fixture {
	t.Helper()
	return newBoundedFixture(t, bounds.New(), tracer, s, apps...)
}

func newBoundedFixture(t testing.TB, budget *bounds.Budget, tracer *trace.Tracer, s backend.Settings, apps ...http.Handler) *fixture {
	t.Helper()
	s.Namespace, s.App, s.Name = "default", "shop", "shop-1a2b3c4d"
	if s.Timeout == 0 {
		s.Timeout = 10 * time.Second
	}
	f := &fixture{t: t, rev: backend.NewRevision(s, backend.Hooks{}), tables: new(atomic.Pointer[table.Table]), logs: io.Discard}
	t.Cleanup(f.rev.Close)
	f.route(table.Share{Revision: s.Name, Weight: 100})
	var pods []backend.Endpoint
	for i, app := range apps {
		pods = append(pods, backend.Endpoint{UID: strconv.Itoa(i), Name: "pod-" + strconv.Itoa(i), Addr: startApp(t, app), Ready: true})
	}
	f.rev.Update(pods)

	logger := slog.New(slog.NewJSONHandler(writer(func(b []byte) (int, error) { return f.logs.Write(b) }), nil))
	f.access = accesslog.New(logger, false)
	f.server = newServer(f.tables, tracer, f.access, logger, budget)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.addr = l.Addr().String()
	served := make(chan error, 1)
	go func() { served <- f.server.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := f.server.Drain(ctx); err != nil {
			t.Errorf("requests were left over: %v", err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *fixture) route(traffic ...table.Share) {
	key := table.Key{Namespace: f.rev.Namespace, Name: f.rev.Name}
	f.tables.Store(table.Compile([]table.Route{{
		Namespace: f.rev.Namespace, Name: "shop", App: "shop", Hosts: []string{appHost}, Traffic: traffic,
		RevisionHosts: map[string]string{"gone.localhost": "shop-gone"},
	}}, map[table.Key]*backend.Revision{key: f.rev}))
}

// startApp runs an application as a pod would: HTTP/1.1 and HTTP/2 on one
// plain port.
func startApp(t testing.TB, app http.Handler) string {
	t.Helper()
	srv := httptest.NewUnstartedServer(app)
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetHTTP1(true)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.Listener.Addr().String()
}

// client speaks to the fixture whatever the host of the URL.
func (f *fixture) client(h2 bool) *http.Client {
	p := new(http.Protocols)
	p.SetHTTP1(!h2)
	p.SetUnencryptedHTTP2(h2)
	tr := &http.Transport{
		Protocols: p,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", f.addr)
		},
		DisableCompression:    true,
		ExpectContinueTimeout: 5 * time.Second,
	}
	f.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second}
}

// get returns what a GET is answered with.
func (f *fixture) get(url string) (status int, header http.Header, text string) {
	f.t.Helper()
	resp, err := f.client(false).Get(url)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

// raw opens a connection for a test that writes its bytes by hand.
func (f *fixture) raw() (net.Conn, *bufio.Reader) {
	f.t.Helper()
	conn, err := net.Dial("tcp", f.addr)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return conn, bufio.NewReader(conn)
}

// eventually waits for something that another process or goroutine does.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

func text(s string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, s) })
}
