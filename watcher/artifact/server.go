package artifact

import (
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	// Path under which artifacts are served: Path + digest + suffix.
	Path   = "/artifacts/"
	suffix = ".tar.gz"
)

// Handler serves GET and HEAD of /artifacts/sha256:<hex>.tar.gz. Clients that
// take Content-Encoding: gzip get what is on disk, with ranges; the others get
// the tarball itself.
func (s *Store) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path+"{name}", func(w http.ResponseWriter, r *http.Request) {
		digest, ok := strings.CutSuffix(r.PathValue("name"), suffix)
		if !ok || !digestForm.MatchString(digest) {
			http.Error(w, "an artifact is named sha256:<64 hex digits>.tar.gz", http.StatusNotFound)
			return
		}
		file, err := os.Open(s.path(digest))
		if errors.Is(err, fs.ErrNotExist) {
			http.Error(w, "no artifact "+digest+"; it is kept until its revision is built", http.StatusNotFound)
			return
		}
		if err != nil {
			http.Error(w, "the artifact cannot be read", http.StatusInternalServerError)
			return
		}
		defer func() { _ = file.Close() }()
		w.Header().Set("Content-Type", "application/gzip") // of the tarball
		w.Header().Set("Cache-Control", "max-age=31536000, immutable")
		w.Header().Set("Vary", "Accept-Encoding")
		if takesGzip(r.Header.Get("Accept-Encoding")) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Header().Set("ETag", `"`+digest+`+gzip"`)
			http.ServeContent(w, r, "", time.Time{}, file)
			return
		}
		w.Header().Set("ETag", `"`+digest+`"`)
		if r.Method != http.MethodHead {
			sendPlain(w, file)
		}
	})
	return mux
}

// sendPlain sends the tarball itself. Its length is not known before, so a file
// that cannot be read to its end breaks the connection: a client must not take a
// part for the whole.
func sendPlain(w io.Writer, file io.Reader) {
	tarball, err := gzip.NewReader(file)
	if err == nil {
		_, err = io.Copy(w, tarball)
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// takesGzip reads an Accept-Encoding header. A weight other than 0 makes no
// difference, as there is nothing better to send.
func takesGzip(accepted string) bool {
	for part := range strings.SplitSeq(accepted, ",") {
		name, weight, weighted := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return !weighted || strings.Trim(strings.TrimSpace(weight), "q=0.") != ""
		}
	}
	return false
}
