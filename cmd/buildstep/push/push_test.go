package push

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/buildstep/ocilayout"
)

// server is a registry that counts uploads and can ask for a password.
type server struct {
	*httptest.Server
	password string

	mu      sync.Mutex
	uploads int
}

func startRegistry(t *testing.T) *server {
	t.Helper()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		if r.Method == http.MethodPatch || r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/uploads/") {
			s.uploads++
		}
		s.mu.Unlock()
		if _, password, _ := r.BasicAuth(); password != s.password {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) uploadCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.uploads
}

// options lay out an image and return the options of its push.
func (s *server) options(t *testing.T, image v1.Image) Options {
	t.Helper()
	dir := t.TempDir()
	o := Options{
		Layout: filepath.Join(dir, "image"), Image: strings.TrimPrefix(s.URL, "http://") + "/apps/default/shop:key-1",
		DigestFile: filepath.Join(dir, "digest"), ConfigFile: filepath.Join(dir, "config"),
	}
	if err := ocilayout.Write(o.Layout, image); err != nil {
		t.Fatal(err)
	}
	return o
}

func randomImage(t *testing.T, layers int64) v1.Image {
	t.Helper()
	image, err := random.Image(2048, layers)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func withConfig(t *testing.T, image v1.Image, config v1.Config) v1.Image {
	t.Helper()
	image, err := mutate.Config(image, config)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestPush(t *testing.T) {
	s := startRegistry(t)
	image := withConfig(t, randomImage(t, 2), v1.Config{
		User: "65532:65532", Entrypoint: []string{"/app/shop"}, Cmd: []string{"-v"}, WorkingDir: "/app", Env: []string{"SECRET=x"}})
	o := s.options(t, image)
	digest, err := Push(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	want, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if digest != want.String() || read(t, o.DigestFile) != want.String() {
		t.Errorf("digest %s, result %s, want %s", digest, read(t, o.DigestFile), want)
	}
	tag, err := name.NewTag(o.Image)
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Get(tag)
	if err != nil || pulled.Digest != want {
		t.Errorf("the registry has %v, %v", pulled, err)
	}
	var config v1alpha1.ImageConfig
	decoder := json.NewDecoder(strings.NewReader(read(t, o.ConfigFile)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&config); err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	size := manifest.Config.Size + manifest.Layers[0].Size + manifest.Layers[1].Size
	if diff := cmp.Diff(v1alpha1.ImageConfig{User: "65532:65532", Entrypoint: []string{"/app/shop"}, Cmd: []string{"-v"}, WorkingDir: "/app", SizeBytes: size}, config); diff != "" {
		t.Errorf("image-config, read as the API's type (-want +got):\n%s", diff)
	}
}

func TestPushUploadsOnlyWhatIsNew(t *testing.T) {
	s := startRegistry(t)
	base := randomImage(t, 3)
	if _, err := Push(t.Context(), s.options(t, base)); err != nil {
		t.Fatal(err)
	}
	before := s.uploadCount()
	if _, err := Push(t.Context(), s.options(t, base)); err != nil {
		t.Fatal(err)
	}
	if again := s.uploadCount() - before; again != 0 {
		t.Errorf("pushing an image twice uploads %d blobs", again)
	}
	layer, err := random.Layer(100, "application/vnd.oci.image.layer.v1.tar+gzip")
	if err != nil {
		t.Fatal(err)
	}
	more, err := mutate.AppendLayers(base, layer)
	if err != nil {
		t.Fatal(err)
	}
	before = s.uploadCount()
	if _, err := Push(t.Context(), s.options(t, more)); err != nil {
		t.Fatal(err)
	}
	// A POST and a PATCH each for the new layer and the new configuration.
	if requests := s.uploadCount() - before; requests != 4 {
		t.Errorf("one more layer needs %d upload requests, want 4", requests)
	}
}

func TestPushUsesOnlyItsCredentials(t *testing.T) {
	s := startRegistry(t)
	s.password = "secret"
	host := strings.TrimPrefix(s.URL, "http://")
	home := t.TempDir()
	docker := filepath.Join(home, ".docker")
	writeAuth(t, docker, "config.json", host, "secret")
	t.Setenv("HOME", home)
	t.Setenv("DOCKER_CONFIG", docker)
	good, wrong, other := t.TempDir(), t.TempDir(), t.TempDir()
	writeAuth(t, good, ".dockerconfigjson", host, "secret")
	writeAuth(t, wrong, ".dockerconfigjson", host, "wrong")
	writeAuth(t, other, ".dockerconfigjson", "other.example.com", "secret")
	image := randomImage(t, 1)
	for _, test := range []struct{ name, auth, want string }{
		{"none", "", "refused the credentials; check the registry Secret"},
		{"wrong", wrong, "refused the credentials"},
		{"of another registry", other, "refused the credentials"},
		{"an empty folder", t.TempDir(), "refused the credentials"},
		{"right", good, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := s.options(t, image)
			o.Auth = test.auth
			_, err := Push(t.Context(), o)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one with %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret\"") {
				t.Errorf("the error tells the password: %v", err)
			}
		})
	}
}

func writeAuth(t *testing.T, dir, file, host, password string) {
	t.Helper()
	auth := base64.StdEncoding.EncodeToString([]byte("user:" + password))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	content := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, auth)
	if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPassing(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{&transport.Error{StatusCode: 503}, true},
		{&transport.Error{StatusCode: 429}, true},
		{&transport.Error{StatusCode: 401}, false},
		{fmt.Errorf("pushing: %w", &url.Error{Op: "Head", Err: errors.New("connection refused")}), true},
		{errors.New("no such file"), false},
	} {
		if got := passing(test.err); got != test.want {
			t.Errorf("passing(%v) = %v", test.err, got)
		}
	}
}

func TestPatience(t *testing.T) {
	busy, refused := &transport.Error{StatusCode: 503}, &transport.Error{StatusCode: 403}
	for _, test := range []struct {
		name  string
		err   error
		calls int
		took  time.Duration
	}{{"no error", nil, 1, 0}, {"passing", busy, attempts, 7500 * time.Millisecond}, {"final", refused, 1, 0}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, calls := time.Now(), 0
				err := patiently(t.Context(), func() error { calls++; return test.err })
				if !errors.Is(err, test.err) || calls != test.calls || time.Since(start) != test.took {
					t.Errorf("%v after %d calls and %s", err, calls, time.Since(start))
				}
			})
		})
	}
}

func TestReference(t *testing.T) {
	for _, test := range []struct{ image, scheme string }{
		{"registry.internal:5000/a/b:t", "http"}, {"registry.example.com/a/b:t", "https"},
	} {
		tag, err := reference(test.image, []string{"registry.internal:5000"})
		if err != nil || tag.Scheme() != test.scheme {
			t.Errorf("%s: scheme %s, %v", test.image, tag.Scheme(), err)
		}
	}
	if _, err := reference("Not A Name", nil); err == nil {
		t.Error("a bad name was accepted")
	}
}

func TestLongConfigurationIsLeftOut(t *testing.T) {
	s := startRegistry(t)
	image := withConfig(t, randomImage(t, 1), v1.Config{Cmd: []string{strings.Repeat("x", longestConfig)}})
	o := s.options(t, image)
	if _, err := Push(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if config := read(t, o.ConfigFile); config != "" {
		t.Errorf("result of %d bytes", len(config))
	}
}
