package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// bucketServer speaks as much of S3 as the store uses, for path-style URLs.
type bucketServer struct {
	mu      sync.Mutex
	objects map[string]kept // by bucket/key
	writes  []string
	fail    func(r *http.Request) int // the status of an answer, if not 0
}

type kept struct {
	data []byte
	etag string
	of   string
}

func (s *bucketServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	data, broken := io.ReadAll(r.Body) // while the app reads what it sends
	s.mu.Lock()
	defer s.mu.Unlock()
	if !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=id/") {
		http.Error(w, "AccessDenied", http.StatusForbidden)
		return
	}
	if s.fail != nil {
		if status := s.fail(r); status != 0 {
			http.Error(w, "SlowDown", status)
			return
		}
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if r.Method == http.MethodPut {
		if broken != nil {
			return
		}
		s.set(name, data, r.Header.Get(headerOf))
		s.writes = append(s.writes, name)
		return
	}
	object, there := s.objects[name]
	if !there {
		http.Error(w, "NoSuchKey", http.StatusNotFound)
		return
	}
	if match := r.Header.Get("If-Match"); match != "" && match != object.etag {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	w.Header().Set("ETag", object.etag)
	w.Header().Set(headerOf, object.of)
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(object.data)))
}

func (s *bucketServer) set(name string, data []byte, of string) {
	s.objects[name] = kept{data: data, etag: fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(data))), of: of}
}

// files are those in the bucket that the app writes to, without marks.
func (s *bucketServer) files() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := map[string]string{}
	for name, object := range s.objects {
		if key, ok := strings.CutPrefix(name, "files/"); ok && !strings.HasPrefix(key, marks) {
			files[key] = string(object.data)
		}
	}
	return files
}

func newServer(t *testing.T) (*bucketServer, *expander) {
	s := &bucketServer{objects: map[string]kept{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	endpoint, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s, &expander{uploads: "uploads", files: "files", store: &store{
		endpoint: endpoint, keys: keys{"id", "secret", "eu-1"}, client: server.Client(), now: time.Now,
	}}
}
