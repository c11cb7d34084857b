package site

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

var files = fstest.MapFS{
	"index.html":               {Data: []byte("home")},
	"404.html":                 {Data: []byte("lost")},
	"about/index.html":         {Data: []byte("about")},
	"css/site.css":             {Data: []byte("body{}")},
	"js/app.3f2a9c1b.js":       {Data: []byte("app")},
	"empty/.keep":              {Data: nil},
	".env":                     {Data: []byte("secret")},
	".git/config":              {Data: []byte("secret")},
	".well-known/security.txt": {Data: []byte("mail us")},
	"a b.txt":                  {Data: []byte("space")},
}

// answer is what a test looks at.
type answer struct {
	Status   int
	Body     string
	Type     string
	Cache    string
	Location string
}

func get(t *testing.T, method, target string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	for name, values := range header {
		request.Header[name] = values
	}
	recorder := httptest.NewRecorder()
	New(files, "").ServeHTTP(recorder, request)
	return recorder
}

func TestServe(t *testing.T) {
	const html, text = "text/html; charset=utf-8", "text/plain; charset=utf-8"
	lost := answer{404, "lost", html, "no-cache", ""}
	for _, test := range []struct {
		method, target string
		want           answer
	}{
		{"GET", "/", answer{200, "home", html, "no-cache", ""}},
		{"GET", "/index.html", answer{200, "home", html, "no-cache", ""}},
		{"HEAD", "/", answer{200, "", html, "no-cache", ""}},
		{"GET", "/css/site.css", answer{200, "body{}", "text/css; charset=utf-8", "no-cache", ""}},
		{"GET", "/js/app.3f2a9c1b.js", answer{200, "app", "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", ""}},
		{"GET", "/about/", answer{200, "about", html, "no-cache", ""}},
		{"GET", "/about", answer{301, "", "", "", "./about/"}},
		{"GET", "/about?a=1", answer{301, "", "", "", "./about/?a=1"}},
		{"GET", "//evil.example.com/about", lost},
		{"GET", "/a%20b.txt", answer{200, "space", text, "no-cache", ""}},
		{"GET", "/.well-known/security.txt", answer{200, "mail us", text, "no-cache", ""}},
		{"GET", "/nope", lost},
		{"HEAD", "/nope", answer{404, "", html, "no-cache", ""}},
		{"GET", "/css/", lost},
		{"GET", "/css", lost},
		{"GET", "/index.html/", lost},
		{"GET", "/.env", lost},
		{"GET", "/.git/config", lost},
		{"GET", "/about/../.env", lost},
		{"GET", "/..%2f.env", lost},
		{"GET", "/css/%2e%2e/.env", lost},
		{"GET", "/%00", lost},
		{"GET", "/empty/", lost},
		{"POST", "/", answer{405, "method not allowed\n", text, "", ""}},
	} {
		t.Run(test.method+" "+test.target, func(t *testing.T) {
			response := get(t, test.method, test.target, nil)
			header := response.Header()
			got := answer{response.Code, response.Body.String(), header.Get("Content-Type"), header.Get("Cache-Control"), header.Get("Location")}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if header.Get("Last-Modified") != "" {
				t.Error("Last-Modified would be the same for every version of the site")
			}
			if header.Get("X-Content-Type-Options") != "nosniff" {
				t.Error("browsers may guess the type")
			}
		})
	}
}

func TestConditionalAndRange(t *testing.T) {
	etag := get(t, "GET", "/css/site.css", nil).Header().Get("ETag")
	if !strings.HasPrefix(etag, `"`) {
		t.Fatalf("ETag %q is not strong", etag)
	}
	if response := get(t, "GET", "/css/site.css", http.Header{"If-None-Match": {etag}}); response.Code != 304 {
		t.Errorf("with the ETag: %d", response.Code)
	}
	if response := get(t, "GET", "/about/", http.Header{"If-None-Match": {etag}}); response.Code != 200 {
		t.Errorf("with the ETag of another file: %d", response.Code)
	}
	response := get(t, "GET", "/css/site.css", http.Header{"Range": {"bytes=0-3"}, "If-Range": {etag}})
	if response.Code != 206 || response.Body.String() != "body" {
		t.Errorf("range: %d", response.Code)
	}
}

func TestETagFollowsContent(t *testing.T) {
	etag := func(content string) string {
		recorder := httptest.NewRecorder()
		New(fstest.MapFS{"a.txt": {Data: []byte(content)}}, "").ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), "GET", "/a.txt", nil))
		return recorder.Header().Get("ETag")
	}
	one, again, two := etag("one"), etag("one"), etag("two")
	if one != again || one == two {
		t.Errorf("the ETag does not follow the content: %s, %s, %s", one, again, two)
	}
}

func TestPlainNotFound(t *testing.T) {
	recorder := httptest.NewRecorder()
	New(fstest.MapFS{}, "").ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), "GET", "/x", nil))
	if recorder.Code != 404 || recorder.Body.String() != "404 page not found\n" {
		t.Errorf("%d %q", recorder.Code, recorder.Body)
	}
}

// TestServeEndsGently starts the server on a real port, with a link that leads
// out of the folder, and stops it while an answer is still being read.
func TestServeEndsGently(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret")
	const large = 32 << 20
	for file, content := range map[string]string{
		outside: "secret", filepath.Join(dir, "index.html"): "home", filepath.Join(dir, "large"): strings.Repeat("x", large),
	} {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	listener := listen(t)
	address := listener.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, listener, dir, "") }()
	if got := fetch(t, "http://"+address+"/"); got != "200 home" {
		t.Errorf("the page: %s", got)
	}
	if got := fetch(t, "http://"+address+"/out"); got != "404 404 page not found\n" {
		t.Errorf("a link out of the folder: %s", got)
	}
	slow, err := http.Get("http://" + address + "/large")
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Body.Close()
	stop()
	if n, err := io.Copy(io.Discard, slow.Body); n != large || err != nil {
		t.Errorf("the answer in flight broke off after %d bytes: %v", n, err)
	}
	if err := <-ended; err != nil {
		t.Errorf("ending: %v", err)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

// fetch asks a real server and returns status and body.
func fetch(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(response.StatusCode) + " " + string(body)
}

func TestServeRefusesMissingFolder(t *testing.T) {
	if err := Serve(t.Context(), listen(t), filepath.Join(t.TempDir(), "none"), ""); err == nil {
		t.Error("a missing folder was served")
	}
}
