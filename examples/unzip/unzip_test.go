package main

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// entry is a file of a zip.
type entry struct {
	name, text string
	change     func(*zip.FileHeader)
}

func zipOf(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate}
		if e.change != nil {
			e.change(header)
		}
		file, err := w.CreateHeader(header)
		if err == nil {
			_, err = io.WriteString(file, e.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// send gives the app the event about an object.
func send(x *expander, kind, bucket, key string) *httptest.ResponseRecorder {
	body := fmt.Sprintf(`{"s3": {"bucket": {"name": %q}, "object": {"key": %q}}}`, bucket, url.QueryEscape(key))
	r := httptest.NewRequest(http.MethodPost, "/unzip", strings.NewReader(body))
	r.Header.Set("ce-type", kind)
	w := httptest.NewRecorder()
	x.handle(w, r)
	return w
}

func wantStatus(t *testing.T, what string, w *httptest.ResponseRecorder, status int, text string) {
	t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), text) {
		t.Errorf("%s: %d %s, want %d %s", what, w.Code, strings.TrimSpace(w.Body.String()), status, text)
	}
}

func TestExpand(t *testing.T) {
	s, x := newServer(t)
	large := strings.Repeat("0123456789abcdef", 200_000) // several blocks when it is stored
	s.set("uploads/holiday é+1.zip", zipOf(t,
		entry{name: "a.txt", text: "one"}, entry{name: "pictures/"}, entry{name: "pictures/b c.txt", text: "two"}, entry{name: "empty"},
		entry{name: "large", text: large, change: func(h *zip.FileHeader) { h.Method = zip.Store }},
	), "")
	wantStatus(t, "first", send(x, created+"Put", "uploads", "holiday é+1.zip"), http.StatusNoContent, "")
	want := map[string]string{"holiday é+1/a.txt": "one", "holiday é+1/pictures/b c.txt": "two", "holiday é+1/empty": "", "holiday é+1/large": large}
	if got := s.files(); !maps.Equal(got, want) {
		t.Errorf("files: %q", slices.Sorted(maps.Keys(got)))
	}

	before := len(s.writes)
	wantStatus(t, "again", send(x, created+"Put", "uploads", "holiday é+1.zip"), http.StatusNoContent, "")
	if len(s.writes) != before {
		t.Errorf("written again: %q", s.writes[before:])
	}
	s.set("uploads/holiday é+1.zip", zipOf(t, entry{name: "a.txt", text: "other"}), "")
	wantStatus(t, "another zip of the name", send(x, created+"Put", "uploads", "holiday é+1.zip"), http.StatusNoContent, "")
	if got := s.files()["holiday é+1/a.txt"]; got != "other" {
		t.Errorf("a.txt is %q", got)
	}
}

func TestEvents(t *testing.T) {
	s, x := newServer(t)
	s.set("uploads/a.zip", zipOf(t, entry{name: "a", text: "one"}), "")
	s.set("uploads/a.txt", []byte("text"), "")
	for _, tc := range []struct {
		name, kind, bucket, key string
		status                  int
		text                    string
	}{
		{"deleted", "com.amazonaws.s3.ObjectRemoved:Delete", "uploads", "a.zip", http.StatusNoContent, ""},
		{"no zip", created + "Put", "uploads", "a.txt", http.StatusNoContent, ""},
		{"another bucket", created + "Put", "secrets", "a.zip", http.StatusBadRequest, "the object is not in bucket uploads"},
		{"no key", created + "Put", "uploads", "", http.StatusBadRequest, "no key"},
		{"gone", created + "Put", "uploads", "b.zip", http.StatusGone, "not there any more"},
		{"a mark", created + "Put", "uploads", ".unzipped/b.zip", http.StatusUnprocessableEntity, "begins like that of the marks"},
	} {
		wantStatus(t, tc.name, send(x, tc.kind, tc.bucket, tc.key), tc.status, tc.text)
	}
	r := httptest.NewRequest(http.MethodPost, "/unzip", strings.NewReader("what?"))
	r.Header.Set("ce-type", created+"Put")
	w := httptest.NewRecorder()
	x.handle(w, r)
	wantStatus(t, "no record", w, http.StatusBadRequest, "no record of a notification")
	if got := s.files(); len(got) > 0 {
		t.Errorf("written: %v", got)
	}
}

// TestStoreIsAway: what was begun is finished when it is back.
func TestStoreIsAway(t *testing.T) {
	s, x := newServer(t)
	s.set("uploads/a.zip", zipOf(t, entry{name: "a", text: "one"}, entry{name: "b", text: "two"}), "")
	for _, tc := range []struct {
		name string
		fail func(*http.Request) int
	}{
		{"all", func(*http.Request) int { return http.StatusServiceUnavailable }},
		{"credentials", func(*http.Request) int { return http.StatusForbidden }},
		{"reading", func(r *http.Request) int { return on(r, http.MethodGet, "", http.StatusServiceUnavailable) }},
		{"replaced while it is read", func(r *http.Request) int { return on(r, http.MethodGet, "", http.StatusPreconditionFailed) }},
		{"the second file", func(r *http.Request) int { return on(r, http.MethodPut, "/files/a/b", http.StatusInternalServerError) }},
		{"the mark", func(r *http.Request) int {
			return on(r, http.MethodPut, "/files/.unzipped/", http.StatusInternalServerError)
		}},
	} {
		s.fail = tc.fail
		w := send(x, created+"Put", "uploads", "a.zip")
		wantStatus(t, tc.name, w, http.StatusServiceUnavailable, "the store answers")
		if w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", tc.name)
		}
	}
	s.fail = nil
	wantStatus(t, "back", send(x, created+"Put", "uploads", "a.zip"), http.StatusNoContent, "")
	if got := s.files(); !maps.Equal(got, map[string]string{"a/a": "one", "a/b": "two"}) {
		t.Errorf("files: %v", got)
	}
}

// on is a status for some requests.
func on(r *http.Request, method, prefix string, status int) int {
	if r.Method == method && strings.HasPrefix(r.URL.Path, prefix) {
		return status
	}
	return 0
}

// TestHostile: nothing of a zip that cannot be used is written.
func TestHostile(t *testing.T) {
	named := func(name string) []byte {
		return zipOf(t, entry{name: "good", text: "x"}, entry{name: name, text: "x"})
	}
	changed := func(change func(*zip.FileHeader)) []byte {
		return zipOf(t, entry{name: "good", text: "x"}, entry{name: "bad", text: "x", change: change})
	}
	var many []entry
	for i := range maxFiles + 1 {
		many = append(many, entry{name: fmt.Sprint(i)})
	}
	var index []entry
	for i := range 30_000 {
		index = append(index, entry{name: fmt.Sprintf("%0200d/", i)})
	}
	good := zipOf(t, entry{name: "bad", text: strings.Repeat("abc", 1000)})
	flipped := bytes.Clone(good)
	flipped[len("bad")+30+5] ^= 1
	lies := bytes.Clone(good)
	central := bytes.Index(lies, []byte("PK\x01\x02"))
	copy(lies[central+24:], []byte{10, 0, 0, 0}) // its size
	for name, tc := range map[string]struct {
		zip  []byte
		text string
	}{
		"above":         {named("../bad"), "leads elsewhere"},
		"above, inside": {named("a/../../bad"), "leads elsewhere"},
		"absolute":      {named("/bad"), "leads elsewhere"},
		"twice a slash": {named("a//b"), "leads elsewhere"},
		"backslash":     {named(`..\bad`), "characters"},
		"newline":       {named("a\nb"), "characters"},
		"not UTF-8":     {changed(func(h *zip.FileHeader) { h.Name, h.NonUTF8 = "a\xff", true }), "characters"},
		"long":          {named(strings.Repeat("a", maxName+1)), "too long"},
		"twice":         {named("good"), "there twice"},
		"a link":        {changed(func(h *zip.FileHeader) { h.SetMode(fs.ModeSymlink | 0o777) }), "no plain file"},
		"encrypted":     {changed(func(h *zip.FileHeader) { h.Flags |= 1 }), "encrypted"},
		"many":          {zipOf(t, many...), "more than 1000 files"},
		"long index":    {zipOf(t, index...), "more entries than are read"},
		"bomb":          {zipOf(t, entry{name: "bad", text: strings.Repeat("\x00", 8<<20)}), "200 times as large"},
		"no zip":        {[]byte("what?"), "not a valid zip"},
		"empty":         {nil, "not a valid zip"},
		"cut":           {good[:len(good)-30], "not a valid zip"},
		"flipped":       {flipped, "cannot be used"},
		"lies":          {lies, "cannot be used"},
	} {
		s, x := newServer(t)
		s.set("uploads/a.zip", tc.zip, "")
		wantStatus(t, name, send(x, created+"Put", "uploads", "a.zip"), http.StatusUnprocessableEntity, tc.text)
		if got := s.files(); len(got) > 0 {
			t.Errorf("%s: written: %q", name, got)
		}
	}
}

func TestConfigure(t *testing.T) {
	good := map[string]string{"UPLOADS": "a", "FILES": "b", "S3_ENDPOINT": "http://s3", "AWS_REGION": "r", "AWS_ACCESS_KEY_ID": "i", "AWS_SECRET_ACCESS_KEY": "s"}
	if _, err := configure(func(name string) string { return good[name] }); err != nil {
		t.Error(err)
	}
	for name, value := range map[string]string{"UPLOADS": "b", "S3_ENDPOINT": "s3", "AWS_REGION": ""} {
		bad := maps.Clone(good)
		bad[name] = value
		if _, err := configure(func(name string) string { return bad[name] }); err == nil {
			t.Errorf("%s may be %q", name, value)
		}
	}
}

// TestSign is the first example of
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func TestSign(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "https://examplebucket.s3.amazonaws.com/test.txt", nil)
	r.Header.Set("Range", "bytes=0-9")
	r.Header.Set("X-Amz-Content-Sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
	sign(r, keys{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1"}, time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC))
	const want = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
	if got := r.Header.Get("Authorization"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := escape("/b/a é+(1)~.zip"); got != "/b/a%20%C3%A9%2B%281%29~.zip" {
		t.Errorf("a path becomes %s", got)
	}
}
