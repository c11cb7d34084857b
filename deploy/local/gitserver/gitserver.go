// Package gitserver is a small git server for local use: git's own
// http-backend behind basic authentication, with repositories that come into
// being at their first push and a webhook hint after every push.
//
// It promises real git semantics, one user, smart HTTP only. It has no TLS, no
// permissions per repository and no forge (no pull requests, no web pages): it
// stands on a loopback or cluster-internal address.
package gitserver

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cgi"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/headway-dev/headway/deploy/command"
)

// Options say how a Server works.
type Options struct {
	// Root is the folder of the bare repositories; made when missing.
	Root string
	// User and Password of the one account; both are required.
	User, Password string
	// URLs are the addresses by which others reach this server, such as
	// http://git.example:3000; at least one. Webhooks name a repository by all of
	// them, since nobody knows which one the receiver was given.
	URLs []string
	// Webhook is told of every push by POST. Default: nobody is told.
	Webhook string
	// MaxBytes is the largest request body in bytes. Default: 1 GiB.
	MaxBytes int64
	// Logger takes one line per push and per refused request. Default: none.
	Logger *slog.Logger
}

// Server is an http.Handler. Close ends its background work.
type Server struct {
	options Options
	backend string         // path of git-http-backend
	hints   sync.WaitGroup // those on their way to the webhook
	create  sync.Mutex     // one repository is created at a time
}

// New prepares the root folder and finds git. It fails when git or its
// http-backend is not installed.
func New(options Options) (*Server, error) {
	if options.User == "" || options.Password == "" {
		return nil, errors.New("the git server needs a user and a password")
	}
	if options.MaxBytes <= 0 {
		options.MaxBytes = 1 << 30
	}
	if len(options.URLs) == 0 {
		return nil, errors.New("the git server needs a URL by which others reach it")
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.Webhook != "" {
		if target, err := url.Parse(options.Webhook); err != nil || target.Host == "" {
			return nil, fmt.Errorf("webhook %q is not a URL", options.Webhook)
		}
	}
	folder, err := command.Output(exec.CommandContext(context.Background(), "git", "--exec-path"))
	if err != nil {
		return nil, err
	}
	backend := filepath.Join(strings.TrimSpace(folder), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		return nil, fmt.Errorf("finding git's http-backend: %w", err)
	}
	if options.Root, err = filepath.Abs(options.Root); err != nil {
		return nil, fmt.Errorf("resolving the root folder: %w", err)
	}
	if err := os.MkdirAll(options.Root, 0o700); err != nil {
		return nil, fmt.Errorf("making the root folder: %w", err)
	}
	return &Server{options: options, backend: backend}, nil
}

// Close waits for the hints that are on their way. No request may be in flight.
func (s *Server) Close() { s.hints.Wait() }

// ServeHTTP answers git's smart HTTP protocol, and /healthz to anybody.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/healthz" {
		fmt.Fprintln(w, "ok")
		return
	}
	if !s.authorized(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="git", charset="UTF-8"`)
		http.Error(w, "user or password is wrong", http.StatusUnauthorized)
		return
	}
	call, ok := parse(r)
	if !ok {
		s.options.Logger.Info("request refused", "method", r.Method, "path", r.URL.Path)
		http.Error(w, "not a request of git's smart HTTP protocol", http.StatusNotFound)
		return
	}
	if r.ContentLength > s.options.MaxBytes {
		http.Error(w, fmt.Sprintf("the request is larger than %d bytes", s.options.MaxBytes), http.StatusRequestEntityTooLarge)
		return
	}
	if !s.exists(call.repository) {
		if call.service != receivePack {
			http.Error(w, "no repository "+call.repository, http.StatusNotFound)
			return
		}
		if err := s.Create(r.Context(), call.repository); err != nil {
			s.options.Logger.Error("creating repository failed", "repository", call.repository, "error", err)
			http.Error(w, "the repository could not be created", http.StatusInternalServerError)
			return
		}
	}
	s.serveGit(w, r)
	if call.service == receivePack && !call.advertises {
		s.announce(call.repository)
	}
}

// authorized compares hashes, so that neither the length nor the first wrong
// byte shows in the time it takes.
func (s *Server) authorized(r *http.Request) bool {
	user, password, _ := r.BasicAuth()
	given, want := sha256.Sum256([]byte(user+"\x00"+password)), sha256.Sum256([]byte(s.options.User+"\x00"+s.options.Password))
	return subtle.ConstantTimeCompare(given[:], want[:]) == 1
}

// serveGit hands the request to git http-backend.
func (s *Server) serveGit(w http.ResponseWriter, r *http.Request) {
	r = r.Clone(r.Context())
	// Without w: git reads the body while the answer is written already.
	r.Body = http.MaxBytesReader(nil, r.Body, s.options.MaxBytes)
	// git sends packs above 1 MiB in chunks. CGI has no word for a body of
	// unknown length, but http-backend reads to the end when none is given.
	if len(r.TransferEncoding) > 0 {
		r.TransferEncoding, r.ContentLength = nil, -1
	}
	logger := slog.NewLogLogger(s.options.Logger.Handler(), slog.LevelWarn)
	handler := cgi.Handler{
		Path: s.backend,
		Dir:  s.options.Root,
		Env: []string{
			"GIT_PROJECT_ROOT=" + s.options.Root,
			"GIT_HTTP_EXPORT_ALL=1",
			"GIT_CONFIG_NOSYSTEM=1",
			"REMOTE_USER=" + s.options.User,
		},
		Logger: logger,
		Stderr: logger.Writer(),
	}
	handler.ServeHTTP(w, r)
}
