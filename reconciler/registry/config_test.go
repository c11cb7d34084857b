package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// near reads registries of this machine, which is to be allowed one by one.
func near(hosts ...string) *Client { return &Client{Insecure: hosts} }

const missingDigest = "@sha256:0000000000000000000000000000000000000000000000000000000000000000"

func TestConfig(t *testing.T) {
	host := serve(t, "")
	digest, size := pushMeasured(t, host)
	got, err := near(host).Config(t.Context(), "default", host+"/apps/default/hello@"+digest.String())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&v1alpha1.ImageConfig{User: "1000", Entrypoint: []string{"/app"}, Cmd: []string{"-v"}, WorkingDir: "/w", SizeBytes: size}, got); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

// pushIndex pushes an index with one image for each platform, which runs as
// the user of that name.
func pushIndex(t *testing.T, host string, platforms ...string) string {
	t.Helper()
	index := v1.ImageIndex(empty.Index)
	for _, p := range platforms {
		platform, err := v1.ParsePlatform(p)
		if err != nil {
			t.Fatal(err)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{
			Add: newImage(t, p), Descriptor: v1.Descriptor{Platform: platform},
		})
	}
	ref, err := name.NewTag(host + "/apps/default/many:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index); err != nil {
		t.Fatal(err)
	}
	digest, err := index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return host + "/apps/default/many@" + digest.String()
}

func TestConfigOfAnIndex(t *testing.T) {
	host, here := serve(t, ""), "linux/"+runtime.GOARCH
	image := pushIndex(t, host, "windows/"+runtime.GOARCH, "linux/s390x", here)
	got, err := near(host).Config(t.Context(), "default", image)
	if err != nil || got.User != here {
		t.Errorf("got %+v, %v; want the image for %s", got, err, here)
	}
	if got, err := near(host).Config(t.Context(), "default", pushIndex(t, host, "linux/s390x")); err == nil {
		t.Errorf("an index without an image for %s gives %+v", here, got)
	}
}

func TestConfigCannotBeRead(t *testing.T) {
	open, closed := serve(t, ""), serve(t, "swordfish")
	gone := httptest.NewServer(nil)
	gone.Close()
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "manifests") {
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			_, _ = io.Copy(w, io.LimitReader(zeroes{}, 2*maxBody))
		}
	}))
	defer endless.Close()
	telling := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			http.Error(w, "the secret of an inner server", http.StatusTeapot)
		}
	}))
	defer telling.Close()
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
	defer busy.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotImplemented) // one that is not tried again at once
	}))
	defer broken.Close()
	mute := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer mute.Close()
	for _, tc := range []struct {
		name, host, want string
		passing          bool
	}{
		{"not there", open, "the registry does not have it", false},
		{"no credentials", closed, "the registry refuses access", false},
		{"nobody listens", address(gone), "the registry cannot be read", true},
		{"endless", address(endless), "the registry cannot be read", false},
		{"no registry", address(telling), "the registry answers with status 418", false},
		{"busy", address(busy), "the registry answers with status 429", true},
		{"out of order", address(broken), "the registry answers with status 501", true},
		{"mute", address(mute), "the registry did not answer in time", true},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if tc.host != address(mute) {
			ctx = t.Context()
		}
		_, err := near(tc.host).Config(ctx, "default", tc.host+"/apps/x"+missingDigest)
		cancel()
		if err == nil || Reason(err) != tc.want || Passing(err) != tc.passing {
			t.Errorf("%s: %v (%s, passing %v), want %q, %v", tc.name, err, Reason(err), Passing(err), tc.want, tc.passing)
		}
	}
	if _, err := (&Client{}).Config(t.Context(), "default", "no-digest"); err == nil {
		t.Error("an image without a digest is read")
	}
}

func address(server *httptest.Server) string { return strings.TrimPrefix(server.URL, "http://") }

// What goes into a Revision stays small, whatever an image says.
func TestConfigTooLong(t *testing.T) {
	host := serve(t, "")
	for name, tc := range map[string]struct {
		config v1.Config
		fails  bool
	}{
		"long":                {v1.Config{Entrypoint: []string{strings.Repeat("x", maxProcess-10)}}, false},
		"too long":            {v1.Config{Cmd: []string{"/app", strings.Repeat("x", maxProcess)}}, true},
		"too many":            {v1.Config{Cmd: make([]string, maxProcess)}, true},
		"a too long user":     {v1.Config{User: strings.Repeat("x", maxProcess+1)}, true},
		"much that is unread": {v1.Config{Env: []string{strings.Repeat("x", maxProcess)}}, false},
	} {
		image, err := mutate.Config(newImage(t, ""), tc.config)
		if err != nil {
			t.Fatal(err)
		}
		_, err = near(host).Config(t.Context(), "default", pushImage(t, host, image))
		if (err != nil) != tc.fails || (err != nil && !strings.Contains(Reason(err), "more than 32 KiB")) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// pushImage returns the name of the image, with its digest.
func pushImage(t *testing.T, host string, image v1.Image) string {
	t.Helper()
	ref, err := name.NewTag(host + "/apps/default/other:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, image); err != nil {
		t.Fatal(err)
	}
	digest, err := image.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return ref.Context().Digest(digest.String()).String()
}

// TestConfigOfOthers: what a namespace may not see is not even asked for.
func TestConfigOfOthers(t *testing.T) {
	const foreign, local = "it belongs to another namespace", "its registry is an address of the machine itself"
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	host := address(server)
	near := host + "/apps"
	for _, tc := range []struct {
		image, prefix, want string
	}{
		{host + "/apps/team/hello", near, "the registry does not have it"},
		{host + "/apps/team/hello/sub", near, "the registry does not have it"},
		{host + "/mirror/busybox", near, "the registry does not have it"},
		{host + "/appstore/hello", near, "the registry does not have it"},
		{host + "/apps/other/hello", near, foreign},
		{host + "/apps/team-2/hello", near, foreign},
		{host + "/apps/team", near, foreign},
		{host + "/apps/team/../other/hello", near, foreign},
		{host + "/mirror/../apps/other/hello", near, foreign},
		{host + "/apps//other/hello", near, foreign},
		{host + "/other/hello", host, foreign},
		{host + "/apps/team/hello", "registry.example.com/apps", local},
		{"docker.io/apps/other/hello", "docker.io/apps", foreign},
		{"index.docker.io/apps/other/hello", "docker.io/apps", foreign},
		{"localhost:1/x", near, local},
		{"registry.localhost:1/x", near, local},
		{"127.8.9.1:1/x", near, local},
		{"0.0.0.0:1/x", near, local},
		{"169.254.169.254/x", near, local},
	} {
		asked = 0
		_, err := (&Client{Prefix: tc.prefix}).Config(t.Context(), "team", tc.image+missingDigest)
		if err == nil || Reason(err) != tc.want || Passing(err) {
			t.Errorf("%s: %v, want %q", tc.image, err, tc.want)
		}
		if (asked > 0) != (tc.want == "the registry does not have it") {
			t.Errorf("%s: the registry was asked %d times", tc.image, asked)
		}
	}
	for host, want := range map[string]bool{
		"[::1]:5000": true, "[fe80::1]": true, "[::ffff:127.0.0.1]:1": true, "[::ffff:0.0.0.0]:1": true, "[::]:1": true, "LOCALHOST": true, "localhost.:1": true,
		"registry.example.com": false, "198.18.255.1:5000": false, "[2001:db8::1]:5000": false, "localhost.example.com": false,
	} {
		if got := isLocal(host); got != want {
			t.Errorf("%s: local = %v", host, got)
		}
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { return len(p), nil }

func TestReason(t *testing.T) {
	for _, tc := range []struct {
		err     error
		want    string
		passing bool
	}{
		{fmt.Errorf("reading: %w", context.DeadlineExceeded), "the registry did not answer in time", true},
		{fmt.Errorf("reading: %w", io.ErrUnexpectedEOF), "the registry cannot be read", true},
		{fmt.Errorf("reading: %w", apierrors.NewServiceUnavailable("later")), "the registry cannot be read", true},
		{errors.New("it is no image"), "the registry cannot be read", false},
	} {
		if got := Reason(tc.err); got != tc.want || Passing(tc.err) != tc.passing {
			t.Errorf("%v: %q, passing %v; want %q, %v", tc.err, got, Passing(tc.err), tc.want, tc.passing)
		}
	}
}
