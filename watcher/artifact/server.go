package artifact

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"
)

// Path under which artifacts are served: Path + digest + ".tar.gz".
const Path = "/artifacts/"

// Handler serves GET and HEAD of /artifacts/sha256:<hex>.tar.gz, with ranges.
// A digest never changes its bytes, so it is also the ETag.
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
		w.Header().Set("Content-Type", "application/gzip")
		w.Header().Set("ETag", `"`+digest+`"`)
		w.Header().Set("Cache-Control", "max-age=31536000, immutable")
		http.ServeContent(w, r, "", time.Time{}, file)
	})
	return mux
}
