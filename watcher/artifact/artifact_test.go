package artifact

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/watcher/tree"
)

// memory is content by blob id.
type memory map[string]string

func (m memory) Open(blob string) (int64, io.ReadCloser, error) {
	content, ok := m[blob]
	if !ok {
		return 0, nil, errors.New("no such blob")
	}
	return int64(len(content)), io.NopCloser(strings.NewReader(content)), nil
}

var content = memory{"1": "package main\n", "2": "#!/bin/sh\n", "3": "../lib/x", "4": "../../etc/passwd", "5": "/etc/passwd", "6": ""}

var files = []tree.File{
	{Path: "app/absolute", Mode: tree.Symlink, Blob: "5"},
	{Path: "app/empty", Mode: tree.Regular, Blob: "6"},
	{Path: "app/link", Mode: tree.Symlink, Blob: "3"},
	{Path: "app/main.go", Mode: tree.Regular, Blob: "1"},
	{Path: "app/out", Mode: tree.Symlink, Blob: "4"},
	{Path: "app/run.sh", Mode: tree.Executable, Blob: "2"},
}

type entry struct {
	Name, Link, Content string
	Mode                int64
}

func read(t *testing.T, r io.Reader) []entry {
	t.Helper()
	zipped, err := gzip.NewReader(r)
	if err != nil {
		t.Fatal(err)
	}
	var out []entry
	archive := tar.NewReader(zipped)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, entry{h.Name, h.Linkname, string(body), h.Mode})
	}
}

func TestWrite(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, files, content, DefaultLimits()); err != nil {
		t.Fatal(err)
	}
	want := []entry{
		{"app/empty", "", "", 0o644},
		{"app/link", "../lib/x", "", 0o777},
		{"app/main.go", "", "package main\n", 0o644},
		{"app/run.sh", "", "#!/bin/sh\n", 0o755},
	}
	if diff := cmp.Diff(want, read(t, &b)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestBytesAreStable: a Revision keeps the digest while the controller is
// updated, so the bytes must not depend on the version that made them.
func TestBytesAreStable(t *testing.T) {
	store, err := NewStore(t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := store.Add(1<<20, func(w io.Writer) error { return Write(w, files, content, DefaultLimits()) })
	if err != nil {
		t.Fatal(err)
	}
	const want = "sha256:494399eff5365e13e3c90586c7837c7e1596509bde26d1ea5e93db93c26fc2e0"
	if digest != want {
		t.Errorf("the digest is %s, want %s: artifacts of unbuilt revisions cannot be made again after an update", digest, want)
	}
}

func TestLimits(t *testing.T) {
	tests := map[string]struct {
		limits Limits
		want   TooLargeError
	}{
		"file": {Limits{File: 11, Total: 100}, TooLargeError{Path: "app/main.go", Limit: 11}},
		"sum":  {Limits{File: 100, Total: 20}, TooLargeError{Limit: 20}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got *TooLargeError
			err := Write(io.Discard, files, content, test.limits)
			if !errors.As(err, &got) || *got != test.want {
				t.Errorf("got %v, want %v", err, &test.want)
			}
		})
	}
}

func TestFailedWriteLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	store, err := NewStore(dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Add(1<<20, func(w io.Writer) error {
		_, _ = io.WriteString(w, "half")
		return errors.New("broken")
	}); err == nil {
		t.Fatal("Add succeeded")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestServe(t *testing.T) {
	store, err := NewStore(t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	tarball := strings.Repeat("0123456789", 1000)
	digest, err := store.Add(1<<20, func(w io.Writer) error { _, err := io.WriteString(w, tarball); return err })
	if err != nil {
		t.Fatal(err)
	}
	missing := "sha256:" + strings.Repeat("0", 64)
	tests := []struct {
		name, method, path string
		accept             string
		status             int
		encoding, body     string
	}{
		{"get", "GET", Path + digest + ".tar.gz", "", 200, "", tarball},
		{"head", "HEAD", Path + digest + ".tar.gz", "", 200, "", ""},
		{"compressed", "GET", Path + digest + ".tar.gz", "br, GZIP;q=0.5", 200, "gzip", tarball},
		{"compressed, head", "HEAD", Path + digest + ".tar.gz", "gzip", 200, "gzip", ""},
		{"not compressed", "GET", Path + digest + ".tar.gz", "gzip;q=0.0, identity", 200, "", tarball},
		{"missing", "GET", Path + missing + ".tar.gz", "", 404, "", "no artifact " + missing + "; it is kept until its revision is built\n"},
		{"not a digest", "GET", Path + "..%2fsecret.tar.gz", "", 404, "", "an artifact is named sha256:<64 hex digits>.tar.gz\n"},
		{"listing", "GET", Path, "", 404, "", "404 page not found\n"},
		{"post", "POST", Path + digest + ".tar.gz", "", 405, "", "Method Not Allowed\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, test.path, nil)
			r.Header.Set("Accept-Encoding", test.accept)
			w := httptest.NewRecorder()
			store.Handler().ServeHTTP(w, r)
			body, encoding := w.Body.String(), w.Header().Get("Content-Encoding")
			if encoding == "gzip" && body != "" {
				if len(body) > len(tarball)/10 {
					t.Errorf("%d bytes were sent of %d that repeat", len(body), len(tarball))
				}
				body = unzipped(t, body)
			}
			if w.Code != test.status || encoding != test.encoding || body != test.body {
				t.Errorf("%d %q %.100q, want %d %q %.100q", w.Code, encoding, body, test.status, test.encoding, test.body)
			}
		})
	}
}

func unzipped(t *testing.T, compressed string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestBrokenFileIsNoArtifact: a client that gets a part must not take it for the
// whole.
func TestBrokenFileIsNoArtifact(t *testing.T) {
	store, err := NewStore(t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := store.Add(1<<20, func(w io.Writer) error { return Write(w, files, content, DefaultLimits()) })
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(store.path(digest), store.Size(digest)/2); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(store.Handler())
	defer server.Close()
	for _, compressed := range []bool{true, false} {
		client := &http.Client{Transport: &http.Transport{DisableCompression: !compressed}}
		answer, err := client.Get(server.URL + Path + digest + ".tar.gz")
		if err != nil {
			continue // broken off before the first byte
		}
		if body, err := io.ReadAll(answer.Body); err == nil {
			t.Errorf("compressed %v: %d bytes came as if they were all", compressed, len(body))
		}
		answer.Body.Close()
	}
}

func TestClean(t *testing.T) {
	store, err := NewStore(t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	add := func(content string, age time.Duration) string {
		digest, err := store.Add(1<<20, func(w io.Writer) error { _, err := io.WriteString(w, content); return err })
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(store.path(digest), at, at); err != nil {
			t.Fatal(err)
		}
		return digest
	}
	kept, old, young := add("kept", time.Hour), add("old", time.Hour), add("young", time.Minute)
	removed, err := store.Clean(map[string]bool{kept: true}, time.Now().Add(-10*time.Minute))
	if err != nil || removed != 1 {
		t.Errorf("Clean = %d, %v; want 1 removed", removed, err)
	}
	if !store.Has(kept) || store.Has(old) || !store.Has(young) {
		t.Errorf("kept %v, old %v, young %v; want only old gone", store.Has(kept), store.Has(old), store.Has(young))
	}
}

// TestCleanGoesOn: an artifact that cannot be removed keeps no other.
func TestCleanGoesOn(t *testing.T) {
	store, err := NewStore(t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for i, hash := range []string{strings.Repeat("0", 64), strings.Repeat("1", 64)} {
		file := store.path(algorithm + hash)
		if i == 0 { // a folder with something in it
			file = filepath.Join(file, "x")
			if err := os.Mkdir(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	removed, err := store.Clean(nil, time.Now().Add(time.Hour))
	if err == nil || removed != 1 || store.Has(algorithm+strings.Repeat("1", 64)) {
		t.Errorf("Clean = %d, %v; want an error and the other one removed", removed, err)
	}
}
