package platform

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/headway-dev/headway/pipelines/ociimage"
)

// seedFolder is where the build step "go" looks for compiled packages that it
// copies into a new cache.
const seedFolder = "/headway/go-cache"

// library is what servers commonly import, each with all that it imports itself.
var library = []string{
	"net/http", "net/http/httputil", "net/http/pprof", "encoding/json", "encoding/xml", "encoding/csv",
	"log/slog", "html/template", "database/sql", "os/signal", "os/exec", "expvar", "embed",
	"archive/...", "compress/...", "container/...",
}

// compiledLibrary compiles the library with the flags of the build step, so that
// the first build of a repository finds it done.
func compiledLibrary(ctx context.Context, scratch string) ([]ociimage.File, error) {
	env := []string{"CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOCACHE=" + scratch}
	args := append([]string{"build", "-trimpath", "-buildvcs=false"}, library...)
	if _, err := run(ctx, env, "/", "go", args...); err != nil {
		return nil, err
	}
	return cacheFiles(scratch)
}

// cacheFiles lists the entries of a Go build cache, which lie in folders of two
// hex digits. An entry "-a" names an object, its size and, last, when it was
// compiled in nanoseconds; that time is replaced, so that the layer is the same
// on every machine.
func cacheFiles(folder string) ([]ociimage.File, error) {
	names, err := fs.Glob(os.DirFS(folder), "[0-9a-f][0-9a-f]/*")
	if err != nil {
		return nil, err
	}
	var files []ociimage.File
	for _, name := range names {
		file := ociimage.File{Path: seedFolder + "/" + name, Source: filepath.Join(folder, name)}
		if strings.HasSuffix(name, "-a") {
			entry, err := os.ReadFile(file.Source)
			if err != nil {
				return nil, fmt.Errorf("reading Go's build cache: %w", err)
			}
			text := strings.TrimSuffix(string(entry), "\n")
			last := strings.LastIndexByte(text, ' ')
			file.Source, file.Data = "", fmt.Appendf(nil, "%s%20d\n", strings.TrimRight(text[:last+1], " ")+" ", int64(1_600_000_000_000_000_000))
		}
		files = append(files, file)
	}
	return files, nil
}
