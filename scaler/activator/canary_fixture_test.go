package activator

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// canary is a fixture whose app has a second revision, next, with half of the
// traffic. The header X-User tells its users apart.
type canary struct {
	*fixture
	next     *backend.Revision
	compiler table.Compiler
	route    table.Route
}

func newCanary(t testing.TB, stable, next http.Handler, change func(*table.Route)) *canary {
	t.Helper()
	return newTimedCanary(t, 10*time.Second, stable, next, change)
}

// newTimedCanary has a candidate that must begin to answer within timeout.
func newTimedCanary(t testing.TB, timeout time.Duration, stable, next http.Handler, change func(*table.Route)) *canary {
	t.Helper()
	c := &canary{fixture: newFixture(t, backend.Settings{}, stable)}
	c.next = backend.NewRevision(backend.Settings{Namespace: "default", App: "shop", Name: "shop-5e6f7081", Timeout: timeout}, backend.Hooks{})
	t.Cleanup(c.next.Close)
	if next != nil {
		c.next.Update([]backend.Endpoint{{UID: "next", Name: "pod-next", Addr: startApp(t, next), Ready: true}})
	}
	c.compiler.Crew.Store(table.Alone())
	c.route = table.Route{
		Namespace: "default", Name: "shop", App: "shop", Hosts: []string{appHost}, Sticky: &v1alpha1.Sticky{Header: "X-User"},
		Traffic: []table.Share{{Revision: c.rev.Name, Weight: 5000}, {Revision: c.next.Name, Weight: 5000, Salt: c.next.Name}},
	}
	if change != nil {
		change(&c.route)
	}
	c.tables.Store(c.compiler.Compile([]table.Route{c.route}, map[table.Key]*backend.Revision{
		{Namespace: "default", Name: c.rev.Name}: c.rev, {Namespace: "default", Name: c.next.Name}: c.next,
	}))
	return c
}

// user is one of a revision, another one for each n.
func (c *canary) user(of *backend.Revision, n int) string {
	for i := 0; ; i++ {
		m := c.tables.Load().Resolve(asked{user: strconv.Itoa(i)})
		if m.Place.Leave(false); m.Revision == of {
			if n--; n < 0 {
				return strconv.Itoa(i)
			}
		}
	}
}

// asked is a table.Request of a user.
type asked struct{ user string }

func (asked) Host() string                   { return appHost }
func (asked) Method() string                 { return "GET" }
func (asked) Cookie(string) (string, bool)   { return "", false }
func (a asked) Header(string) (string, bool) { return a.user, true }

// onEveryRoute runs a test with clients of the hot path, of net/http, and of
// HTTP/2.
func onEveryRoute(t *testing.T, f *fixture, test func(t *testing.T, client *http.Client)) {
	for name, client := range map[string]*http.Client{"hot": f.client(false), "net/http": f.handedOver(), "h2c": f.client(true)} {
		t.Run(name, func(t *testing.T) { test(t, client) })
	}
}

// handedOver is a client on connections that have become net/http's.
func (f *fixture) handedOver() *http.Client {
	client := f.client(false)
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", f.addr)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(conn, handOver); err != nil {
			return nil, err
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusNotFound {
			return nil, fmt.Errorf("handing over: %s, %w", resp.Status, err)
		}
		return conn, nil
	}
	return client
}

// heard is what is kept of a response that was read.
type heard struct {
	StatusCode int
	Header     http.Header
}

func (h heard) Cookies() []*http.Cookie { return (&http.Response{Header: h.Header}).Cookies() }

// ask sends a request with some header fields, and reads the response.
func ask(t testing.TB, client *http.Client, method string, body io.Reader, fields ...string) (heard, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+appHost+"/a?b", body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(fields); i += 2 {
		req.Header.Add(fields[i], fields[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return heard{resp.StatusCode, resp.Header}, string(text)
}
