package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
)

// serveArtifact serves files as a source artifact and returns its URL and
// digest.
func serveArtifact(t *testing.T, files map[string]string) (url, digest string) {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	writer := tar.NewWriter(zipped)
	for name, content := range files {
		if err := writer.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(writer, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(writer.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(b.Bytes()) }))
	t.Cleanup(server.Close)
	sum := sha256.Sum256(b.Bytes())
	return server.URL, "sha256:" + hex.EncodeToString(sum[:])
}

// TestStaticBuild runs the two steps of the template "static", as Tekton would,
// against a real registry.
func TestStaticBuild(t *testing.T) {
	artifact, digest := serveArtifact(t, map[string]string{"site/public/index.html": "hello"})
	images := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer images.Close()
	work, results := t.TempDir(), t.TempDir()
	server := filepath.Join(results, "server")
	if err := os.WriteFile(server, []byte("server"), 0o755); err != nil {
		t.Fatal(err)
	}
	image := strings.TrimPrefix(images.URL, "http://") + "/apps/default/site:key-1"
	var output bytes.Buffer
	if err := run(t.Context(), []string{"static", "--work=" + work, "--url=" + artifact, "--digest=" + digest,
		"--path=site", "--dir=", "--server=" + server}, &output); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"push", "--work=" + work, "--image=" + image, "--auth=",
		"--digest-file=" + filepath.Join(results, "digest"), "--config-file=" + filepath.Join(results, "config")}, &output); err != nil {
		t.Fatal(err)
	}
	pushed, err := os.ReadFile(filepath.Join(results, "digest"))
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`^fetching source sha256:[0-9a-f]{64}\npushed ` + image + `@` + string(pushed) + `\n$`)
	if !want.MatchString(output.String()) {
		t.Errorf("log:\n%s", output.String())
	}
}

func TestFetchCommand(t *testing.T) {
	artifact, digest := serveArtifact(t, map[string]string{"a": "hello"})
	work := t.TempDir()
	if err := run(t.Context(), []string{"fetch", "--work=" + work, "--url=" + artifact, "--digest=" + digest}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(work, "source", "a")); err != nil || string(data) != "hello" {
		t.Errorf("source: %q, %v", data, err)
	}
}

// TestModulesCommand: the step leaves the modules, here none, and no source that
// is in the way of the next step.
func TestModulesCommand(t *testing.T) {
	artifact, digest := serveArtifact(t, map[string]string{"go.mod": "module example.com/shop\n\ngo 1.24\n"})
	work := t.TempDir()
	if err := run(t.Context(), []string{"modules", "--work=" + work, "--url=" + artifact, "--digest=" + digest, "--private=example.org"}, io.Discard); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(work); err != nil || len(entries) != 1 || entries[0].Name() != "modules" {
		t.Errorf("left: %v, %v", entries, err)
	}
}

// TestRunTellsTheCause: what the step says of a failure comes out as a result,
// in the words of the tool that failed.
func TestRunTellsTheCause(t *testing.T) {
	work, file := t.TempDir(), filepath.Join(t.TempDir(), "error")
	if err := os.MkdirAll(filepath.Join(work, "source"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		step []string
		want string
	}{
		{[]string{"go", "--cache=" + t.TempDir(), "--seed="}, "go: go.mod file not found in current directory or any parent directory; see 'go help modules'"},
		{[]string{"static", "--dir=dist"}, `"dist" is not a folder of the source; set build.args.dir to the folder to serve`},
	} {
		err := run(t.Context(), append(test.step, "--work="+work, "--error-file="+file), io.Discard)
		if err == nil {
			t.Fatalf("%v succeeded", test.step)
		}
		if told, err := os.ReadFile(file); err != nil || string(told) != test.want {
			t.Errorf("%v: told %q, %v; want %q", test.step, told, err, test.want)
		}
	}
	if err := writeCause(file, errors.New("two\n lines "+strings.Repeat("é", longestCause))); err != nil {
		t.Fatal(err)
	}
	if told, err := os.ReadFile(file); err != nil || len(told) > longestCause || !strings.HasPrefix(string(told), "two lines éé") {
		t.Errorf("a long cause: %d bytes, %.20q, %v", len(told), told, err)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "usage: buildstep dockerfile|evict|fetch|forget|go|modules|push|static"},
		{[]string{"deploy"}, "usage: buildstep"},
		{[]string{"go", "--nonsense"}, "flag provided but not defined"},
		{[]string{"go", "extra"}, `unexpected argument "extra"`},
		{[]string{"static"}, "--work is missing"},
	} {
		if err := run(t.Context(), test.args, io.Discard); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: error = %v, want one with %q", test.args, err, test.want)
		}
	}
}

func TestInsecureRegistries(t *testing.T) {
	t.Setenv("HEADWAY_INSECURE_REGISTRIES", "a:5000, b:5000,")
	if got := strings.Join(insecureRegistries(), "|"); got != "a:5000|b:5000" {
		t.Errorf("registries %q", got)
	}
}
