// Package site serves the files of a static web site.
//
// It promises: a folder answers with its index.html and never with a list of
// its files; names that begin with a dot are not served, save .well-known; an
// unknown path answers with the fallback page where one is named and a page is
// asked for, else with 404 and the site's 404.html where there is one; every
// answer has a strong ETag, ranges work. It does not compress.
package site

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Handler serves a file system whose files do not change.
type Handler struct {
	files fs.FS
	// fallback is the page for unknown paths; "" where there is none.
	fallback string
	// etags are kept by name, as hashing a large file takes a while.
	etags sync.Map
}

// New returns the handler. fallback is the file that answers unknown paths of a
// single-page app, "" for none.
func New(files fs.FS, fallback string) *Handler { return &Handler{files: files, fallback: fallback} }

// hashed matches names that change with their content, such as app.3f2a9c1b.js.
var hashed = regexp.MustCompile(`[.-][0-9a-f]{8,}\.[a-z0-9]+$`)

// ServeHTTP answers GET and HEAD.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name := cmp.Or(strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/"), ".")
	if Hidden(name) {
		h.notFound(w, r)
		return
	}
	info, err := fs.Stat(h.files, name)
	if err != nil {
		h.unknown(w, r)
		return
	}
	slash := strings.HasSuffix(r.URL.Path, "/")
	switch {
	case info.IsDir() && !slash:
		if _, err := fs.Stat(h.files, path.Join(name, "index.html")); err != nil {
			h.unknown(w, r)
			return
		}
		redirect(w, r, path.Base(name)+"/")
	case info.IsDir():
		h.file(w, r, path.Join(name, "index.html"))
	case slash:
		h.unknown(w, r)
	default:
		h.file(w, r, name)
	}
}

// redirect sends the client to a name beside the requested one. A relative
// target cannot lead to another host, whatever the path is.
func redirect(w http.ResponseWriter, r *http.Request, target string) {
	if r.URL.RawQuery != "" {
		target += "?" + r.URL.RawQuery
	}
	w.Header().Set("Location", "./"+target)
	w.WriteHeader(http.StatusMovedPermanently)
}

func (h *Handler) file(w http.ResponseWriter, r *http.Request, name string) {
	if !h.send(w, r, name) {
		h.unknown(w, r)
	}
}

// send answers with a file, and reports whether there is one.
func (h *Handler) send(w http.ResponseWriter, r *http.Request, name string) bool {
	content, etag, err := h.open(name)
	if err != nil {
		return false
	}
	defer content.Close()
	w.Header().Set("ETag", etag)
	w.Header().Set("Cache-Control", "no-cache")
	if hashed.MatchString(path.Base(name)) {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	// No Last-Modified: every file of an image has the same time, so that a
	// browser would take the next version of the site for the one it has.
	http.ServeContent(w, r, name, time.Time{}, content)
	return true
}

// open opens a regular file, and gives its ETag.
func (h *Handler) open(name string) (http.File, string, error) {
	content, err := http.FS(h.files).Open(name)
	if err != nil {
		return nil, "", err
	}
	info, err := content.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, "", errors.Join(fmt.Errorf("%s is not a regular file", name), err, content.Close())
	}
	if etag, ok := h.etags.Load(name); ok {
		return content, etag.(string), nil
	}
	sum := sha256.New()
	_, err = io.Copy(sum, content)
	if err == nil {
		_, err = content.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, "", errors.Join(err, content.Close())
	}
	etag := `"` + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:16]) + `"`
	h.etags.Store(name, etag)
	return content, etag, nil
}

// notFound answers 404, with the site's own page where it has one.
func (h *Handler) notFound(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-cache")
	page, err := fs.ReadFile(h.files, "404.html")
	if err != nil {
		http.Error(w, "404 page not found", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	w.WriteHeader(http.StatusNotFound)
	if r.Method != http.MethodHead {
		_, _ = w.Write(page) // the client may be gone
	}
}

// Hidden reports whether an element of the path begins with a dot, .well-known
// aside.
func Hidden(name string) bool {
	for element := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(element, ".") && element != "." && element != ".well-known" {
			return true
		}
	}
	return false
}
