package fetch

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/cmd/buildstep/tool"
)

// pack makes a tar.gz of headers; the files hold the given content.
func pack(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	writer := tar.NewWriter(zipped)
	for _, e := range entries {
		header := e.Header
		if header.Typeflag == tar.TypeReg {
			header.Size = int64(len(e.content))
			header.Mode = max(header.Mode, 0o644)
		}
		if err := writer.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(writer, e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(writer.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type entry struct {
	tar.Header
	content string
}

func file(name, content string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeReg}, content}
}

func link(name, target string) entry {
	return entry{tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target}, ""}
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// answer is what a server says once.
type answer struct {
	status int
	body   []byte
	// broken ends the body in its middle.
	broken bool
	// err is given instead of an answer.
	err error
}

// answers is a transport that gives one after the other, the last one for ever.
type answers []answer

func (a *answers) RoundTrip(*http.Request) (*http.Response, error) {
	next := (*a)[0]
	if len(*a) > 1 {
		*a = (*a)[1:]
	}
	if next.err != nil {
		return nil, next.err
	}
	var body io.Reader = bytes.NewReader(next.body)
	if next.broken {
		body = io.MultiReader(bytes.NewReader(next.body[:len(next.body)/2]), iotest.ErrReader(io.ErrUnexpectedEOF))
	}
	return &http.Response{StatusCode: next.status, Status: fmt.Sprint(next.status), Body: io.NopCloser(body)}, nil
}

func status(code int, body []byte) answer { return answer{status: code, body: body} }

var refused = answer{err: errors.New("connection refused")}

func TestFetchUnpacks(t *testing.T) {
	script := file("run.sh", "#!")
	script.Mode = 0o775
	archive := pack(t,
		entry{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}}, ""},
		entry{tar.Header{Name: "./", Typeflag: tar.TypeDir}, ""},
		entry{tar.Header{Name: "empty/", Typeflag: tar.TypeDir}, ""},
		file("deep/er/main.go", "package main"), script,
		link("deep/sibling", "er/main.go"), link("dangling", "nowhere"), link("up", "deep/../run.sh"))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header["Authorization"]) > 0 {
			t.Error("credentials were sent")
		}
		_, _ = w.Write(archive)
	}))
	defer server.Close()
	dest := filepath.Join(t.TempDir(), "source")
	if err := Fetch(t.Context(), server.Client(), Artifact{server.URL, digestOf(archive)}, dest, DefaultLimits); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"empty": "d", "deep": "d", "deep/er": "d", "deep/er/main.go": "-rw-r--r-- package main", "run.sh": "-rwxr-xr-x #!",
		"deep/sibling": "-> er/main.go", "dangling": "-> nowhere", "up": "-> deep/../run.sh",
	}
	if diff := cmp.Diff(want, tree(t, dest)); diff != "" {
		t.Errorf("source (-want +got):\n%s", diff)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(dest), ".artifact-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	info, err := os.Stat(filepath.Join(dest, "run.sh"))
	if err != nil || time.Since(info.ModTime()) > time.Minute {
		t.Errorf("run.sh was modified at %v, not now: Go's build cache would be misled (%v)", info.ModTime(), err)
	}
}

func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	seen := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		inside, _ := filepath.Rel(dir, name)
		switch {
		case e.IsDir():
			seen[inside] = "d"
		case e.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			seen[inside] = "-> " + target
			return err
		default:
			info, err := e.Info()
			if err != nil {
				return err
			}
			data, err := os.ReadFile(name)
			seen[inside] = info.Mode().String() + " " + string(data)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

func TestFetchRetries(t *testing.T) {
	good := pack(t, file("a", "a"))
	for _, test := range []struct {
		name    string
		answers answers
		want    string           // part of the error; empty: success
		between [2]time.Duration // how long it takes
	}{
		{"at once", answers{status(200, good)}, "", [2]time.Duration{0, 0}},
		{"not there yet", answers{status(404, nil), status(404, nil), status(200, good)}, "", [2]time.Duration{300 * time.Millisecond, 300 * time.Millisecond}},
		{"refused", answers{refused, status(200, good)}, "", [2]time.Duration{firstPause, firstPause}},
		{"broken off", answers{{status: 200, body: good, broken: true}, status(200, good)}, "", [2]time.Duration{firstPause, firstPause}},
		{"overloaded", answers{status(429, nil), status(503, nil), status(200, good)}, "", [2]time.Duration{300 * time.Millisecond, 300 * time.Millisecond}},
		{"never there", answers{status(404, nil)}, "giving up after 1m0s: http://artifacts/x answered 404", [2]time.Duration{57 * time.Second, patience}},
		{"never up", answers{refused}, "connection refused", [2]time.Duration{57 * time.Second, patience}},
		{"forbidden", answers{status(403, nil)}, "answered 403", [2]time.Duration{0, 0}},
		{"wrong digest", answers{status(200, []byte("other"))}, "expected sha256:", [2]time.Duration{0, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				dest := filepath.Join(t.TempDir(), "source")
				err := Fetch(t.Context(), &http.Client{Transport: &test.answers}, Artifact{"http://artifacts/x", digestOf(good)}, dest, DefaultLimits)
				if took := time.Since(start); took < test.between[0] || took > test.between[1] {
					t.Errorf("took %s, want between %s and %s", took, test.between[0], test.between[1])
				}
				checkError(t, err, test.want, dest)
				if never := strings.HasPrefix(test.name, "never"); errors.As(err, new(*tool.Passing)) != never {
					t.Errorf("error %v may pass: %v", err, !never)
				}
			})
		})
	}
}

// checkError also checks that a failure leaves nothing to build from.
func checkError(t *testing.T, err error, want, dest string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("unexpected error: %v", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error = %v, want one with %q", err, want)
	}
	if _, statErr := os.Stat(dest); (statErr == nil) != (want == "") {
		t.Errorf("source folder after error %v: %v", err, statErr)
	}
}

func TestFetchStopsWhenCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		dest := filepath.Join(t.TempDir(), "source")
		err := Fetch(ctx, &http.Client{Transport: &answers{refused}}, Artifact{"http://artifacts/x", digestOf(nil)}, dest, DefaultLimits)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v", err)
		}
	})
}

// TestFetchTakesCompressedAnswers, which the artifact server gives; the digest
// and the limits are those of the artifact itself.
func TestFetchTakesCompressedAnswers(t *testing.T) {
	archive := pack(t, file("a", strings.Repeat("a", 10_000)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("Accept-Encoding is %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		compressed := gzip.NewWriter(w)
		_, _ = compressed.Write(archive)
		_ = compressed.Close()
	}))
	defer server.Close()
	for limit, want := range map[int64]string{1 << 20: "", int64(len(archive)) - 1: "larger than"} {
		dest := filepath.Join(t.TempDir(), "source")
		limits := Limits{Download: limit, Bytes: 1 << 20, Entries: 10}
		client := &http.Client{Transport: &http.Transport{}} // not one of the server, which asks for no compression
		checkError(t, Fetch(t.Context(), client, Artifact{server.URL, digestOf(archive)}, dest, limits), want, dest)
	}
}

func TestFetchRefusesLargeDownload(t *testing.T) {
	data := bytes.Repeat([]byte{1}, 1001)
	dest := filepath.Join(t.TempDir(), "source")
	client := &http.Client{Transport: &answers{status(200, data)}}
	err := Fetch(t.Context(), client, Artifact{"http://artifacts/x", digestOf(data)}, dest, Limits{Download: 1000, Bytes: 1, Entries: 1})
	checkError(t, err, "larger than 1000 bytes", dest)
}

func TestFetchRefusesDigestOfAnotherForm(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "source")
	err := Fetch(t.Context(), nil, Artifact{"http://artifacts/x", "md5:1"}, dest, DefaultLimits)
	checkError(t, err, "not of the form sha256:", dest)
}
