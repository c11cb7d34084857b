package site

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

// TestFallback: what a single-page app's server answers to paths without a
// file.
func TestFallback(t *testing.T) {
	files := fstest.MapFS{
		"index.html":       {Data: []byte("app")},
		"404.html":         {Data: []byte("lost")},
		"assets/a.js":      {Data: []byte("script")},
		"about/index.html": {Data: []byte("about")},
		".env":             {Data: []byte("secret")},
	}
	// What browsers send: for a page, for a script or fetch, for a picture.
	const page, script, picture = "text/html,application/xhtml+xml,*/*;q=0.8", "*/*", "image/avif,image/*,*/*;q=0.8"
	for _, test := range []struct {
		method, target, accept string
		status                 int
		body                   string
	}{
		{"GET", "/", page, 200, "app"},
		{"GET", "/assets/a.js", script, 200, "script"},
		{"GET", "/about/", page, 200, "about"},
		{"GET", "/users/7", page, 200, "app"},
		{"GET", "/users/7/", page, 200, "app"},
		{"GET", "/users/7?tab=a", page, 200, "app"},
		{"HEAD", "/users/7", page, 200, ""},
		{"GET", "/users/ada.l", page, 200, "app"},
		{"GET", "/users/7", "", 200, "app"},
		{"GET", "/users/7", script, 200, "app"},
		{"GET", "/users/7", "text/*", 200, "app"},
		{"GET", "/assets", page, 200, "app"},
		{"GET", "/assets/gone.js", script, 404, "lost"},
		{"GET", "/assets/gone.png", picture, 404, "lost"},
		{"GET", "/assets/gone.js", "", 404, "lost"},
		{"GET", "/api/users", "application/json", 404, "lost"},
		{"GET", "/users/7", "text/html;q=0, application/json", 404, "lost"},
		{"GET", "/.env", page, 404, "lost"},
		{"GET", "/.git/config", page, 404, "lost"},
		{"POST", "/users/7", page, 405, "method not allowed\n"},
	} {
		t.Run(test.method+" "+test.target+" "+test.accept, func(t *testing.T) {
			request := httptest.NewRequestWithContext(t.Context(), test.method, test.target, nil)
			if test.accept != "" {
				request.Header.Set("Accept", test.accept)
			}
			recorder := httptest.NewRecorder()
			New(files, "index.html").ServeHTTP(recorder, request)
			if recorder.Code != test.status || recorder.Body.String() != test.body {
				t.Errorf("%d %q, want %d %q", recorder.Code, recorder.Body, test.status, test.body)
			}
			unknown := test.body == "lost" || test.body == "app" && test.target != "/"
			if unknown && !strings.HasPrefix(test.target, "/.") && recorder.Header().Get("Vary") != "Accept" {
				t.Error("a cache would give this answer to requests that accept something else")
			}
			if test.body == "app" && recorder.Header().Get("Cache-Control") != "no-cache" {
				t.Error("the page may be kept although the next version has another")
			}
		})
	}
}

func TestFallbackIsRevalidated(t *testing.T) {
	handler := New(fstest.MapFS{"index.html": {Data: []byte("app")}}, "index.html")
	get := func(etag string) *httptest.ResponseRecorder {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/users/7", nil)
		request.Header.Set("If-None-Match", etag)
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		return recorder
	}
	if again := get(get("").Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("asked again with its ETag: %d", again.Code)
	}
}
