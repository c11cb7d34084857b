package health

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestCheck(t *testing.T) {
	for status, good := range map[int]bool{200: true, 204: true, 302: true, 404: false, 500: false, 503: false} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/healthz" || r.UserAgent() != "me" {
				t.Errorf("%s asks for %s", r.UserAgent(), r.URL.Path)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		}))
		address := server.Listener.Addr().String()
		if err := Check(t.Context(), "me", address, "/healthz"); (err == nil) != good {
			t.Errorf("status %d: %v", status, err)
		}
		if err := Check(t.Context(), "me", address, ""); err != nil {
			t.Errorf("a port that listens: %v", err)
		}
		server.Close()
		for _, path := range []string{"", "/healthz"} {
			if err := Check(t.Context(), "me", address, path); err == nil {
				t.Errorf("a closed port answers, asked for %q", path)
			}
		}
	}
}
