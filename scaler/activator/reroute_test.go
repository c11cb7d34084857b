package activator

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// TestWaitingRequestsFollowTheTraffic: requests that wait for a revision which
// loses its traffic are answered by the one that gets it, on every route; what
// came by the revision's own host waits on.
func TestWaitingRequestsFollowTheTraffic(t *testing.T) {
	says := func(text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, text+string(body))
		})
	}
	f := newFixture(t, backend.Settings{})
	other := backend.NewRevision(backend.Settings{Namespace: "default", App: "shop", Name: "shop-5e6f7081", Timeout: 10 * time.Second}, backend.Hooks{})
	t.Cleanup(other.Close)
	other.Update([]backend.Endpoint{{UID: "2", Name: "pod-2", Addr: startApp(t, says("other ")), Ready: true}})
	route := func(to string) {
		f.tables.Store(table.Compile([]table.Route{{
			Namespace: "default", Name: "shop", App: "shop", Hosts: []string{appHost}, Traffic: []table.Share{{Revision: to, Weight: 100}},
			RevisionHosts: map[string]string{"own.localhost": f.rev.Name},
		}}, map[table.Key]*backend.Revision{
			{Namespace: "default", Name: f.rev.Name}: f.rev, {Namespace: "default", Name: other.Name}: other,
		}))
	}
	route(f.rev.Name)

	var asked sync.WaitGroup
	for _, c := range []struct {
		name, host string
		body       io.Reader
		h2         bool
		want       string
	}{
		{"plain", appHost, strings.NewReader("a"), false, "other a"},
		{"chunked", appHost, io.MultiReader(strings.NewReader("b")), false, "other b"},
		{"h2c", appHost, strings.NewReader("c"), true, "other c"},
		{"the revision's own host", "own.localhost", strings.NewReader("d"), false, "first d"},
		{"the same, chunked", "own.localhost", io.MultiReader(strings.NewReader("e")), false, "first e"},
	} {
		client := f.client(c.h2)
		asked.Go(func() {
			resp, err := client.Post("http://"+c.host, "text/plain", c.body)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			if body, _ := io.ReadAll(resp.Body); resp.StatusCode != 200 || string(body) != c.want {
				t.Errorf("%s: %s %q, want %q", c.name, resp.Status, body, c.want)
			}
		})
	}
	eventually(t, "all wait", func() bool { return f.rev.Load().Queued == 5 })
	route(other.Name)
	f.rev.Reroute()
	eventually(t, "those of the app have gone", func() bool { return f.rev.Load().Queued == 2 })
	f.rev.Update([]backend.Endpoint{{UID: "1", Name: "pod-1", Addr: startApp(t, says("first ")), Ready: true}})
	asked.Wait()
}

// TestARequestThatIsLateIsReroutedToo: it had read the table before it changed,
// and begins to wait after.
func TestARequestThatIsLateIsReroutedToo(t *testing.T) {
	f := newFixture(t, backend.Settings{})
	f.rev.Reroute()
	answered := make(chan error, 1)
	go func() {
		_, err := f.rev.Acquire(t.Context())
		answered <- err
	}()
	if err := <-answered; !errors.Is(err, backend.ErrRerouted) {
		t.Errorf("got %v", err)
	}
}
