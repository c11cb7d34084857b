package git_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/git/gittest"
)

func TestParsePointer(t *testing.T) {
	oid := strings.Repeat("0a", 32)
	whole := "version https://git-lfs.github.com/spec/v1\noid sha256:" + oid + "\nsize 12345\n"
	for name, test := range map[string]struct {
		text string
		want git.Pointer
	}{
		"a pointer":            {whole, git.Pointer{OID: oid, Size: 12345}},
		"with an extension":    {strings.Replace(whole, "\noid", "\next-0-foo sha256:"+strings.Repeat("1", 64)+"\noid", 1), git.Pointer{OID: oid, Size: 12345}},
		"text about pointers":  {"A pointer begins with:\n" + whole, git.Pointer{}},
		"no size":              {strings.Replace(whole, "size", "bytes", 1), git.Pointer{}},
		"another hash":         {strings.Replace(whole, "sha256", "md5", 1), git.Pointer{}},
		"longer than pointers": {whole + strings.Repeat("x", git.MaxPointer), git.Pointer{}},
		"empty":                {"", git.Pointer{}},
	} {
		got, ok := git.ParsePointer([]byte(test.text))
		if got != test.want || ok != (test.want.OID != "") {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}

// objects is a git server with LFS objects, and a session with it.
func objects(t *testing.T, contents ...string) (*gittest.HTTP, *git.LFS, []git.Pointer) {
	t.Helper()
	h := gittest.NewHTTP(t)
	h.User, h.Password, h.LFS = "ada", "s3cret", &gittest.LFS{}
	var pointers []git.Pointer
	for _, content := range contents {
		p, ok := git.ParsePointer([]byte(h.LFS.Add(content)))
		if !ok {
			t.Fatal("not a pointer")
		}
		pointers = append(pointers, p)
	}
	repo := gittest.NewRepo(t, h.Root, "shop.git")
	repo.CommitAndPush("first", map[string]string{"a": "1"})
	s := connect(t, git.NewClient(git.DefaultLimits()), remote{repo, h.CloneURL(repo), map[string][]byte{"username": []byte("ada"), "password": []byte("s3cret")}})
	l, err := s.LFS()
	if err != nil {
		t.Fatal(err)
	}
	return h, l, pointers
}

func read(t *testing.T, l *git.LFS, p git.Pointer) (string, error) {
	t.Helper()
	r := l.Open(t.Context(), p)
	defer r.Close()
	data, err := io.ReadAll(r)
	return string(data), err
}

func TestLFS(t *testing.T) {
	var contents []string
	for i := range 230 { // three batches
		contents = append(contents, strings.Repeat("picture ", i))
	}
	_, l, pointers := objects(t, contents...)
	if refused, err := l.Locate(t.Context(), pointers); err != nil || len(refused) != 0 {
		t.Fatal(refused, err)
	}
	for _, i := range []int{0, 1, 150, 229} {
		if got, err := read(t, l, pointers[i]); got != contents[i] || err != nil {
			t.Errorf("object %d: %d bytes, %v", i, len(got), err)
		}
	}
}

func TestLFSNamesWhatIsMissing(t *testing.T) {
	_, l, pointers := objects(t, "here")
	gone := git.Pointer{OID: strings.Repeat("0", 64), Size: 9}
	refused, err := l.Locate(t.Context(), append(pointers, gone))
	if diff := cmp.Diff(map[string]string{gone.OID: "Object does not exist"}, refused); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// TestLFSChecksWhatItGets: other bytes than those of the pointer never pass for
// the file.
func TestLFSChecksWhatItGets(t *testing.T) {
	for name, change := range map[string]func([]byte) []byte{
		"other bytes": func(b []byte) []byte { return append([]byte("X"), b[1:]...) },
		"too long":    func(b []byte) []byte { return append(slices.Clone(b), make([]byte, 1<<20)...) },
		"too short":   func(b []byte) []byte { return b[1:] },
	} {
		h, l, pointers := objects(t, "picture")
		h.LFS.Corrupt(change)
		if _, err := l.Locate(t.Context(), pointers); err != nil {
			t.Fatal(err)
		}
		got, err := read(t, l, pointers[0])
		wantReason(t, err, v1alpha1.ReasonSourceIncomplete, "other bytes than its pointer names")
		if len(got) > len("picture") {
			t.Errorf("%s: %d bytes were read", name, len(got))
		}
	}
}

// TestLFSCredentials go to the server of the repository, and to no other that
// keeps objects, be it named by the answer or by a redirect.
func TestLFSCredentials(t *testing.T) {
	elsewhere := func(h *gittest.HTTP) *httptest.Server {
		s := httptest.NewServer(h.LFS)
		t.Cleanup(s.Close)
		return s
	}
	for _, test := range []struct {
		name  string
		setup func(*gittest.HTTP)
		want  bool // credentials with the download
	}{
		{"the same server", func(*gittest.HTTP) {}, true},
		{"another server", func(h *gittest.HTTP) { h.LFS.Base = elsewhere(h).URL }, false},
		{"another server with a key", func(h *gittest.HTTP) {
			h.LFS.Base, h.LFS.Header = elsewhere(h).URL, map[string]string{"X-Key": "k"}
		}, false},
		{"a redirect to another server", func(h *gittest.HTTP) {
			target := elsewhere(h).URL
			own := h.Config.Handler
			h.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasPrefix(r.URL.Path, "/lfs-objects/") {
					http.Redirect(w, r, target+r.URL.Path, http.StatusFound)
					return
				}
				own.ServeHTTP(w, r)
			})
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			h, l, pointers := objects(t, "picture")
			test.setup(h)
			if _, err := l.Locate(t.Context(), pointers); err != nil {
				t.Fatal(err)
			}
			if got, err := read(t, l, pointers[0]); got != "picture" || err != nil {
				t.Fatalf("%q, %v", got, err)
			}
			downloads := h.LFS.Downloads()
			if sent := downloads[len(downloads)-1].Get("Authorization") != ""; sent != test.want {
				t.Errorf("credentials sent: %v, want %v", sent, test.want)
			}
		})
	}
}

func TestLFSFailuresSayWhatToDo(t *testing.T) {
	h, l, pointers := objects(t, "picture")
	h.LFS = nil
	_, err := l.Locate(t.Context(), pointers)
	wantReason(t, err, v1alpha1.ReasonSourceIncomplete, "127.0.0.1 has no LFS objects for this repository; commit the file itself")
	h.User = "other"
	_, err = l.Locate(t.Context(), pointers)
	wantReason(t, err, v1alpha1.ReasonAuthenticationFailed, "refused the credentials")
	h.Close()
	_, err = l.Locate(t.Context(), pointers)
	wantReason(t, err, v1alpha1.ReasonUnreachable, "cannot be reached")

	ssh := connect(t, git.NewClient(git.DefaultLimits()), func() remote {
		r := remotes(t)["ssh"]
		r.repo.CommitAndPush("first", map[string]string{"a": "1"})
		return r
	}())
	_, err = ssh.LFS()
	wantReason(t, err, v1alpha1.ReasonSourceIncomplete, "set it to the https URL, or commit the file itself")
}
