package registry

import (
	"encoding/base64"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	fakeregistry "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// serve runs a registry; a password other than "" is asked for.
func serve(t *testing.T, password string) string {
	t.Helper()
	inner := fakeregistry.New(fakeregistry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, given, _ := r.BasicAuth(); password != "" && given != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// newImage is an image that runs as a user.
func newImage(t *testing.T, user string) v1.Image {
	t.Helper()
	image, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	image, err = mutate.Config(image, v1.Config{User: user, Entrypoint: []string{"/app"}, Cmd: []string{"-v"}, WorkingDir: "/w"})
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func push(t *testing.T, host string) v1.Hash {
	t.Helper()
	digest, _ := pushMeasured(t, host)
	return digest
}

// pushMeasured also returns how large the image is, in bytes.
func pushMeasured(t *testing.T, host string) (digest v1.Hash, size int64) {
	t.Helper()
	image := newImage(t, "1000")
	ref, err := name.NewTag(host + "/apps/default/hello:key-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if digest, err = image.Digest(); err != nil {
		t.Fatal(err)
	}
	return digest, manifest.Config.Size + manifest.Layers[0].Size
}

func TestFind(t *testing.T) {
	host := serve(t, "")
	want, size := pushMeasured(t, host)
	c := &Client{}
	digest, config, err := c.Find(t.Context(), host+"/apps/default/hello", "key-1")
	if err != nil || digest != want.String() {
		t.Errorf("got %q, %v; want %s", digest, err, want)
	}
	if diff := cmp.Diff(&v1alpha1.ImageConfig{User: "1000", Entrypoint: []string{"/app"}, Cmd: []string{"-v"}, WorkingDir: "/w", SizeBytes: size}, config); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
	for _, tag := range []string{"apps/default/hello:key-2", "apps/default/other:key-1"} {
		repository, tag, _ := strings.Cut(tag, ":")
		if digest, _, err := c.Find(t.Context(), host+"/"+repository, tag); digest != "" || err != nil {
			t.Errorf("%s:%s: got %q, %v; want nothing", repository, tag, digest, err)
		}
	}
}

func TestRemove(t *testing.T) {
	host := serve(t, "")
	image, c := host+"/apps/default/hello@"+push(t, host).String(), &Client{}
	if err := c.Remove(t.Context(), image); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Config(t.Context(), "default", image); err == nil {
		t.Error("the image is still there")
	}
	if err := c.Remove(t.Context(), image); err == nil {
		t.Error("an image that is gone was removed")
	}
}

func TestFindWithCredentials(t *testing.T) {
	host := serve(t, "swordfish")
	key := client.ObjectKey{Namespace: "headway-builds", Name: "registry"}
	auth := base64.StdEncoding.EncodeToString([]byte("user:swordfish"))
	for _, tc := range []struct{ name, config, want string }{
		{"encoded", `{"auths":{"` + host + `":{"auth":"` + auth + `"}}}`, ""},
		{"plain, with scheme", `{"auths":{"http://` + host + `":{"username":"user","password":"swordfish"}}}`, ""},
		{"for another registry", `{"auths":{"example.com":{"auth":"` + auth + `"}}}`, "401"},
		{"not JSON", `{"auths":swordfish`, "not valid JSON"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			secret := &corev1.Secret{Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(tc.config)}}
			secret.Namespace, secret.Name = key.Namespace, key.Name
			c := &Client{Secrets: fake.NewClientBuilder().WithObjects(secret).Build(), Secret: key}
			_, _, err := c.Find(t.Context(), host+"/apps/default/hello", "key-1")
			if tc.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "swordfish") {
				t.Errorf("error %v, want %q and no password", err, tc.want)
			}
		})
	}
	c := &Client{Secrets: fake.NewClientBuilder().Build(), Secret: key}
	if _, _, err := c.Find(t.Context(), host+"/x", "y"); err == nil || !strings.Contains(err.Error(), "reading registry credentials") {
		t.Errorf("missing secret: %v", err)
	}
}

func TestInsecure(t *testing.T) {
	c := &Client{Insecure: []string{"registry.example.com:5000"}}
	for image, want := range map[string]string{
		"registry.example.com:5000/a:b": "http",
		"registry.example.com/a:b":      "https",
		"registry.localhost:5000/a:b":   "http",
	} {
		tag, err := c.reference(image)
		if err != nil || tag.Context().Scheme() != want {
			t.Errorf("%s: %s, %v; want %s", image, tag.Context().Scheme(), err, want)
		}
	}
}
