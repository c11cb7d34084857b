package gitserver

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fixture is a running server and a webhook receiver.
type fixture struct {
	*Server
	url   string // with user and password
	hints chan hint
}

func start(t *testing.T, change func(*Options)) fixture {
	t.Helper()
	hints := make(chan hint, 16)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var h hint
		if err := json.NewDecoder(r.Body).Decode(&h); err != nil {
			t.Errorf("webhook body: %v", err)
		}
		hints <- h
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(receiver.Close)
	options := Options{Root: t.TempDir(), User: "headway", Password: "s3cret", URLs: []string{"http://git.example:3000/", "http://198.18.255.1:3000"}, Webhook: receiver.URL + "/webhook"}
	if change != nil {
		change(&options)
	}
	server, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server)
	t.Cleanup(func() { listener.Close(); server.Close() })
	return fixture{Server: server, url: strings.Replace(listener.URL, "http://", "http://headway:s3cret@", 1), hints: hints}
}

// run runs git without the user's configuration and returns all it printed.
func run(t *testing.T, folder string, arguments ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "git", arguments...)
	command.Dir = folder
	command.Env = append(os.Environ(),
		"HOME="+t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com",
		"no_proxy=*",
	)
	out, err := command.CombinedOutput()
	return string(out), err
}

func mustRun(t *testing.T, folder string, arguments ...string) string {
	t.Helper()
	out, err := run(t, folder, arguments...)
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(arguments, " "), err, out)
	}
	return strings.TrimSpace(out)
}

// workTree makes a repository with one commit of the given file.
func workTree(t *testing.T, name string, content []byte) string {
	t.Helper()
	folder := t.TempDir()
	mustRun(t, folder, "init", "--quiet", "--initial-branch=main")
	commit(t, folder, name, content)
	return folder
}

func commit(t *testing.T, folder, name string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
	mustRun(t, folder, "add", ".")
	mustRun(t, folder, "commit", "--quiet", "--message", "change "+name)
	return mustRun(t, folder, "rev-parse", "HEAD")
}

func TestPushCreatesAndHints(t *testing.T) {
	f := start(t, nil)
	source := workTree(t, "hello.txt", []byte("one\n"))
	first := mustRun(t, source, "rev-parse", "HEAD")
	remote := f.url + "/team/shop.git"
	mustRun(t, source, "push", "--quiet", remote, "main")

	// Whichever address somebody gave to Headway, a push by another is news.
	repository := hintRepository{CloneURL: "http://git.example:3000/team/shop.git"}
	repository.Links.Clone = []hintLink{{"http://git.example:3000/team/shop.git"}, {"http://198.18.255.1:3000/team/shop.git"}}
	if diff := cmp.Diff(hint{repository}, <-f.hints); diff != "" {
		t.Errorf("hint of the first push (-want +got):\n%s", diff)
	}

	commit(t, source, "hello.txt", []byte("two\n"))
	mustRun(t, source, "push", "--quiet", strings.TrimSuffix(remote, ".git"), "main") // the same repository
	if diff := cmp.Diff(hint{repository}, <-f.hints); diff != "" {
		t.Errorf("hint of the second push (-want +got):\n%s", diff)
	}

	clone := t.TempDir()
	mustRun(t, clone, "clone", "--quiet", "--depth=1", remote, ".")
	if got, err := os.ReadFile(filepath.Join(clone, "hello.txt")); err != nil || string(got) != "two\n" {
		t.Errorf("cloned %q, %v", got, err)
	}

	// A force-push and a deletion are pushes too; an up-to-date push is not.
	mustRun(t, source, "push", "--quiet", remote, "main")
	mustRun(t, source, "push", "--quiet", "--force", remote, first+":refs/heads/main", first+":refs/heads/feature")
	<-f.hints
	mustRun(t, source, "push", "--quiet", remote, ":feature")
	<-f.hints
	f.Close()
	if more := len(f.hints); more > 0 {
		t.Errorf("%d hints more than pushes", more)
	}
}

// A pack above git's http.postBuffer travels in chunks.
func TestLargePush(t *testing.T) {
	f := start(t, nil)
	noise := make([]byte, 3<<20)
	state := uint64(1)
	for i := range noise {
		state = state*6364136223846793005 + 1442695040888963407
		noise[i] = byte(state >> 56)
	}
	source := workTree(t, "large.bin", noise)
	mustRun(t, source, "push", "--quiet", f.url+"/large.git", "main")
	clone := t.TempDir()
	mustRun(t, clone, "clone", "--quiet", f.url+"/large.git", ".")
	if got, err := os.ReadFile(filepath.Join(clone, "large.bin")); err != nil || !bytes.Equal(got, noise) {
		t.Errorf("the clone differs: %d bytes, %v", len(got), err)
	}
}

func TestBodyLimit(t *testing.T) {
	f := start(t, func(o *Options) { o.MaxBytes = 64 << 10 })
	source := workTree(t, "small.txt", []byte("small\n"))
	mustRun(t, source, "push", "--quiet", f.url+"/limited.git", "main")
	<-f.hints
	noise := make([]byte, 2<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 7)
	}
	noise = append(noise, []byte(strings.Repeat("x", 100))...)
	commit(t, source, "large.bin", noise)
	mustRun(t, source, "config", "core.compression", "0")
	if out, err := run(t, source, "push", "--quiet", f.url+"/limited.git", "main"); err == nil {
		t.Errorf("a push above the limit succeeded:\n%s", out)
	}
}

func TestWrongPassword(t *testing.T) {
	f := start(t, nil)
	source := workTree(t, "hello.txt", []byte("one\n"))
	for _, account := range []string{"headway:wrong@", "somebody:s3cret@", ""} {
		remote := strings.Replace(f.url, "headway:s3cret@", account, 1) + "/shop.git"
		if out, err := run(t, source, "push", "--quiet", remote, "main"); err == nil {
			t.Errorf("push as %q succeeded:\n%s", account, out)
		}
	}
	if entries, _ := os.ReadDir(f.options.Root); len(entries) != 0 {
		t.Errorf("a refused push left %v", entries)
	}
}

func TestCloneOfMissingRepository(t *testing.T) {
	f := start(t, nil)
	if out, err := run(t, t.TempDir(), "clone", f.url+"/nobody.git", "."); err == nil || !strings.Contains(out, "not found") {
		t.Errorf("cloning a repository that is not there: %v\n%s", err, out)
	}
	if entries, _ := os.ReadDir(f.options.Root); len(entries) != 0 {
		t.Errorf("a clone created %v", entries)
	}
}

func TestHostileRequests(t *testing.T) {
	f := start(t, nil)
	if err := f.Create(context.Background(), "shop.git"); err != nil {
		t.Fatal(err)
	}
	for _, request := range []struct{ method, target string }{
		{"GET", "/../../etc/passwd"},
		{"GET", "/shop.git/HEAD"},
		{"GET", "/shop.git/config"},
		{"GET", "/shop.git/../shop.git/info/refs?service=git-upload-pack"},
		{"GET", "/shop.git%2finfo/refs?service=git-upload-pack"},
		{"GET", "/%2e%2e/shop.git/info/refs?service=git-upload-pack"},
		{"GET", "//shop.git/info/refs?service=git-upload-pack"},
		{"GET", "/-upload-pack=id.git/info/refs?service=git-receive-pack"},
		{"GET", "/.new-1.git/info/refs?service=git-receive-pack"},
		{"GET", "/shop.git/hooks.git/info/refs?service=git-receive-pack"},
		{"GET", "/a/b/c.git/info/refs?service=git-receive-pack"},
		{"GET", "/a%00b.git/info/refs?service=git-receive-pack"},
		{"GET", "/shop.git/info/refs"},
		{"GET", "/shop.git/info/refs?service=git-upload-archive"},
		{"POST", "/shop.git/git-upload-archive"},
		{"POST", "/shop.git/info/refs?service=git-upload-pack"},
		{"GET", "/shop.git/git-receive-pack"},
		{"DELETE", "/shop.git/git-receive-pack"},
	} {
		r := httptest.NewRequest(request.method, "http://git.example"+request.target, strings.NewReader("0000"))
		r.SetBasicAuth("headway", "s3cret")
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		if body, _ := io.ReadAll(w.Result().Body); w.Code != http.StatusNotFound {
			t.Errorf("%s %s: %d %s", request.method, request.target, w.Code, body)
		}
	}
	entries, err := os.ReadDir(f.options.Root)
	if err != nil || len(entries) != 1 {
		t.Errorf("hostile requests left %v, %v", entries, err)
	}
}

func FuzzValidName(f *testing.F) {
	for _, seed := range []string{"shop.git", "team/shop.git", "../shop.git", "a..b.git", ".git", "a/.git", "shop.git/x.git", "-x.git", "a\x00.git", "a b.git"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if !validName(name) {
			return
		}
		if !filepath.IsLocal(name) || filepath.Clean(name) != name || strings.ContainsAny(name, "\x00\\ %") {
			t.Errorf("%q is accepted", name)
		}
		for element := range strings.SplitSeq(name, "/") {
			if strings.HasPrefix(element, ".") || strings.HasPrefix(element, "-") {
				t.Errorf("%q is accepted", name)
			}
		}
		if owner, _, nested := strings.Cut(name, "/"); nested && strings.HasSuffix(owner, ".git") {
			t.Errorf("%q is accepted", name)
		}
	})
}
