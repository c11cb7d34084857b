package gittest

import (
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// HTTP is git's http-backend behind a server of the test.
type HTTP struct {
	*httptest.Server
	// Root holds the bare repositories.
	Root string
	// User and Password are demanded when User is set, and needed to push.
	User, Password string
	// ReadOnly: the user may not push.
	ReadOnly bool
	// LFS holds the objects of all repositories; nil where the server has none.
	LFS *LFS
	// Requests counts what was asked.
	Requests atomic.Int64
}

// NewHTTP serves the bare repositories in a new folder.
func NewHTTP(t testing.TB) *HTTP {
	t.Helper()
	s := &HTTP{Root: t.TempDir()}
	backend := cgi.Handler{
		Path: filepath.Join(execPath(t), "git-http-backend"),
		Dir:  s.Root,
		// Its complaints are part of several tests.
		Stderr: io.Discard,
		Env: []string{"GIT_PROJECT_ROOT=" + s.Root, "GIT_HTTP_EXPORT_ALL=1",
			"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1"},
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Requests.Add(1)
		user, password, _ := r.BasicAuth()
		if s.User != "" && (user != s.User || password != s.Password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		if s.LFS != nil && s.LFS.serves(r) {
			s.LFS.ServeHTTP(w, r)
			return
		}
		handler := backend
		if s.User != "" && !s.ReadOnly { // git takes pushes of a user whom the server knows
			handler.Env = append(slices.Clone(handler.Env), "REMOTE_USER="+user)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// CloneURL of a repository.
func (s *HTTP) CloneURL(r *Repo) string { return s.URL + "/" + r.Name }

func execPath(t testing.TB) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "--exec-path").Output()
	if err != nil {
		t.Fatalf("git --exec-path: %v", err)
	}
	return strings.TrimSpace(string(out))
}
