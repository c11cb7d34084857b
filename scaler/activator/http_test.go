package activator

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/table"
)

func TestRequestReachesThePod(t *testing.T) {
	var seen http.Header
	var host, uri, body string
	f := newFixture(t, backend.Settings{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		seen, host, uri, body = r.Header.Clone(), r.Host, r.RequestURI, string(b)
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Set("Connection", "X-Private")
		w.Header().Set("X-Private", "between app and activator")
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "short and stout")
	}))
	for _, h2 := range []bool{false, true} {
		req, _ := http.NewRequestWithContext(t.Context(), "PATCH", "http://"+appHost+"/a%2Fb//c?x=1;y=%zz", strings.NewReader("payload"))
		req.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		req.Header.Set("X-Forwarded-For", "203.0.113.7")
		req.Header.Set("X-Forwarded-Proto", "https")
		req.Header.Set("User-Agent", "test")
		if !h2 {
			req.Header.Set("Connection", "X-Hop")
			req.Header.Set("X-Hop", "between client and activator")
		}
		resp, err := f.client(h2).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusTeapot || string(answer) != "short and stout" {
			t.Errorf("h2 %v: got %s %q", h2, resp.Status, answer)
		}
		if got := resp.Header.Values("Set-Cookie"); !cmp.Equal(got, []string{"a=1", "b=2"}) {
			t.Errorf("h2 %v: cookies %q", h2, got)
		}
		if resp.Header.Get("X-Private") != "" {
			t.Errorf("h2 %v: a hop-by-hop header of the app reached the client", h2)
		}
		if host != appHost || uri != "/a%2Fb//c?x=1;y=%zz" || body != "payload" {
			t.Errorf("h2 %v: the app saw host %q, uri %q, body %q", h2, host, uri, body)
		}
		want := http.Header{
			"Accept-Encoding":   seen["Accept-Encoding"],
			"Content-Length":    {"7"},
			"Traceparent":       {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
			"User-Agent":        {"test"},
			"X-Forwarded-For":   {"203.0.113.7, 127.0.0.1"},
			"X-Forwarded-Proto": {"https"},
			"X-Forwarded-Host":  {appHost},
			"Forwarded":         {"for=127.0.0.1;host=" + appHost + ";proto=http"},
		}
		if want["Accept-Encoding"] == nil {
			delete(want, "Accept-Encoding")
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("h2 %v: headers at the app (-want +got):\n%s", h2, diff)
		}
	}
}

func TestAnswersOfItsOwn(t *testing.T) {
	slow := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	broken := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for _, c := range []struct {
		name    string
		app     http.Handler
		prepare func(*fixture)
		host    string
		status  int
		retry   string
		text    string
	}{
		{name: "unknown host", host: "nobody.localhost", status: 404, text: `No app answers to the host "nobody.localhost".`},
		{name: "no traffic", prepare: func(f *fixture) { f.route() }, status: 503, retry: "1", text: `No revision of app "shop" is ready yet.`},
		{name: "revision gone", host: "gone.localhost", status: 503, retry: "1", text: `Revision "shop-gone" of app "shop" does not exist`},
		{name: "no pod", prepare: func(f *fixture) { f.rev.Update(nil) }, status: 503, retry: "1", text: `No pod of revision "shop-1a2b3c4d" of app "shop" was free within 300ms.`},
		{name: "revision deleted", prepare: func(f *fixture) { f.rev.Close() }, status: 503, retry: "1", text: "has just been deleted"},
		{name: "no response in time", app: slow, status: 504, text: `App "shop" did not begin to answer within 300ms`},
		{name: "connection broken", app: broken, status: 502, text: `App "shop" closed the connection`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.app == nil {
				c.app = text("fine")
			}
			f := newFixture(t, backend.Settings{Timeout: 300 * time.Millisecond}, c.app)
			if c.prepare != nil {
				c.prepare(f)
			}
			if c.host == "" {
				c.host = appHost
			}
			status, header, body := f.get("http://" + c.host + "/")
			if status != c.status || header.Get("Retry-After") != c.retry {
				t.Errorf("%d, Retry-After %q; want %d, %q", status, header.Get("Retry-After"), c.status, c.retry)
			}
			if !strings.Contains(body, c.text) {
				t.Errorf("body %q, want %q in it", body, c.text)
			}
			eventually(t, "nothing is left over", func() bool {
				load := f.rev.Load()
				return load.InFlight == 0 && load.Queued == 0
			})
		})
	}
}

func TestHostileHostIsNotReflected(t *testing.T) {
	f := newFixture(t, backend.Settings{}, text("fine"))
	conn, r := f.raw()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a'b$c;d\r\n\r\n")
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	if strings.ContainsAny(string(body), "'$;") || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s: %q", resp.Status, body)
	}
}

func TestTrafficFollowsTheTable(t *testing.T) {
	f := newFixture(t, backend.Settings{}, text("old"))
	next := backend.NewRevision(backend.Settings{Namespace: "default", App: "shop", Name: "shop-2", Timeout: time.Second}, backend.Hooks{})
	defer next.Close()
	next.Update([]backend.Endpoint{{UID: "n", Addr: startApp(t, text("new")), Ready: true}})
	if _, _, body := f.get("http://" + appHost); body != "old" {
		t.Fatalf("got %q", body)
	}
	f.tables.Store(table.Compile([]table.Route{{Namespace: "default", Name: "shop", App: "shop", Hosts: []string{appHost},
		Traffic: []table.Share{{Revision: "shop-2", Weight: 100}}}},
		map[table.Key]*backend.Revision{{Namespace: "default", Name: "shop-2"}: next}))
	if _, _, body := f.get("http://" + appHost); body != "new" {
		t.Fatalf("got %q", body)
	}
}

func TestAccessLogIsSwitchable(t *testing.T) {
	f := newFixture(t, backend.Settings{}, text("hello"))
	lines := make(chan string, 3)
	f.logs = writer(func(b []byte) (int, error) { lines <- string(b); return len(b), nil })
	whole := func(path string) { // until nothing of it runs any more
		conn, r := f.raw()
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, appHost)
		_, _ = io.ReadAll(r)
	}
	whole("/before")
	f.access.Switch(true)
	f.get("http://" + appHost + "/path?token=secret")
	entry := <-lines
	f.access.Switch(false)
	whole("/after")

	var line map[string]any
	if err := json.Unmarshal([]byte(entry), &line); err != nil {
		t.Fatalf("not a line of JSON: %v\n%s", err, entry)
	}
	for key, want := range map[string]any{
		"msg": "request", "method": "GET", "host": appHost, "path": "/path", "namespace": "default", "app": "shop",
		"revision": "shop-1a2b3c4d", "pod": "pod-0", "status": 200.0, "bytes": 5.0,
	} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
	if strings.Contains(entry, "secret") {
		t.Error("the query is in the log")
	}
	if len(lines) > 0 {
		t.Errorf("a line too many: %s", <-lines)
	}
}

// TestRefusedRequestsAreLogged checks that every way in tells of a request that it
// does not understand.
func TestRefusedRequestsAreLogged(t *testing.T) {
	f := newFixture(t, backend.Settings{}, text("hello"))
	lines := make(chan string, 10)
	f.logs = writer(func(b []byte) (int, error) { lines <- string(b); return len(b), nil })
	f.access.Switch(true)
	for _, c := range []struct{ name, request string }{
		{"hot path", "GET /a#b HTTP/1.1\r\n" + toShop + "\r\n"},
		{"net/http", postShop + chunked + "\r\n0\r\n\r\nGET /a#b HTTP/1.1\r\n" + toShop + "\r\n"},
	} {
		conn, _ := f.raw()
		_, _ = io.WriteString(conn, c.request)
		for entry := range lines {
			if strings.Contains(entry, `"status":200`) {
				continue // the request before it
			}
			if !strings.Contains(entry, `"status":400`) || !strings.Contains(entry, `"answer":"refused"`) {
				t.Errorf("%s: %s", c.name, entry)
			}
			break
		}
	}
}
