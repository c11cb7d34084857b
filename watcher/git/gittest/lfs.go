package gittest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
)

// LFS is a store of Git LFS objects: the batch API, and the downloads that it
// names. The zero value is empty.
type LFS struct {
	// Base is the URL that downloads are below; empty for the server that is
	// asked for the batch.
	Base string
	// Header goes with the downloads, and is demanded of them.
	Header map[string]string

	mu      sync.Mutex
	objects map[string][]byte
	asked   []http.Header
}

// Add stores an object and returns its pointer.
func (l *LFS) Add(content string) (pointer string) {
	sum := sha256.Sum256([]byte(content))
	oid := hex.EncodeToString(sum[:])
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.objects == nil {
		l.objects = map[string][]byte{}
	}
	l.objects[oid] = []byte(content)
	return fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", oid, len(content))
}

// Corrupt changes the bytes of all objects but not their names.
func (l *LFS) Corrupt(change func([]byte) []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for oid, content := range l.objects {
		l.objects[oid] = change(content)
	}
}

// Downloads are the headers of the downloads so far.
func (l *LFS) Downloads() []http.Header {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked
}

// lfsFolder is where downloads are.
const lfsFolder = "/lfs-objects/"

// serves reports whether a request is for the store.
func (l *LFS) serves(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, lfsFolder) || strings.HasSuffix(r.URL.Path, "/info/lfs/objects/batch")
}

// ServeHTTP answers as a server of Git LFS.
func (l *LFS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !strings.HasPrefix(r.URL.Path, lfsFolder) {
		l.batch(w, r)
		return
	}
	l.asked = append(l.asked, r.Header.Clone())
	for name, value := range l.Header {
		if r.Header.Get(name) != value {
			http.Error(w, name+" is missing", http.StatusForbidden)
			return
		}
	}
	content, ok := l.objects[path.Base(r.URL.Path)]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(content)
}

func (l *LFS) batch(w http.ResponseWriter, r *http.Request) {
	const media = "application/vnd.git-lfs+json"
	type object struct {
		OID     string         `json:"oid"`
		Size    int64          `json:"size"`
		Actions map[string]any `json:"actions,omitempty"`
		Error   map[string]any `json:"error,omitempty"`
	}
	var batch struct {
		Operation string   `json:"operation"`
		Transfer  string   `json:"transfer"`
		Objects   []object `json:"objects"`
	}
	if r.Header.Get("Accept") != media || json.NewDecoder(r.Body).Decode(&batch) != nil || batch.Operation != "download" {
		http.Error(w, "not a batch", http.StatusUnprocessableEntity)
		return
	}
	base := l.Base
	if base == "" {
		base = "http://" + r.Host
	}
	for i, o := range batch.Objects {
		if _, ok := l.objects[o.OID]; !ok {
			batch.Objects[i].Error = map[string]any{"code": 404, "message": "Object does not exist"}
			continue
		}
		batch.Objects[i].Actions = map[string]any{"download": map[string]any{"href": base + lfsFolder + o.OID, "header": l.Header}}
	}
	batch.Transfer = "basic"
	w.Header().Set("Content-Type", media)
	_ = json.NewEncoder(w).Encode(batch) // the client may be gone
}
