package activator

import (
	"io"
	"net/http"
	"testing"

	"github.com/headway-dev/headway/scaler/activator/backend"
)

// TestTellsTheRevision: a delivery of an event learns which revision has answered,
// whatever the app says itself, and other requests learn nothing.
func TestTellsTheRevision(t *testing.T) {
	f := newFixture(t, backend.Settings{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/forged" {
			w.Header().Set("Headway-Revision", "another")
		}
		_, _ = io.WriteString(w, "done")
	}))
	ask := func(path, subscription string) []string {
		t.Helper()
		body, writer := io.Pipe()
		go func() { writer.Close() }()
		var told []string
		for _, r := range []io.Reader{http.NoBody, body} { // the second is chunked: net/http's
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+f.addr+path, r)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = appHost
			if subscription != "" {
				request.Header.Set("Headway-Subscription", subscription)
			}
			transport := &http.Transport{} // a connection for each: one that is net/http's stays so
			response, err := transport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			transport.CloseIdleConnections()
			if response.StatusCode != http.StatusOK {
				t.Errorf("status %d", response.StatusCode)
			}
			told = append(told, response.Header.Values("Headway-Revision")...)
		}
		return told
	}
	for _, path := range []string{"/", "/forged"} {
		if got := ask(path, "shop/mail"); len(got) != 2 || got[0] != f.rev.Name || got[1] != f.rev.Name {
			t.Errorf("%s: a delivery is told %q, want %s each time", path, got, f.rev.Name)
		}
	}
	if got := ask("/", ""); len(got) > 0 {
		t.Errorf("a request is told %q", got)
	}
}
