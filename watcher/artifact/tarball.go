package artifact

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/headway-dev/headway/watcher/tree"
)

// Limits of one artifact, in bytes.
type Limits struct {
	// File is the largest file.
	File int64
	// Total is the largest sum of all files.
	Total int64
}

// DefaultLimits are 256 MiB for a file and 1 GiB for all.
func DefaultLimits() Limits { return Limits{File: 256 << 20, Total: 1 << 30} }

// TooLargeError names what is larger than the limits.
type TooLargeError struct {
	// Path of the file; empty when it is the sum of all.
	Path string
	// Limit that is passed, in bytes.
	Limit int64
}

func (e *TooLargeError) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("the app's files are more than %d MiB; narrow path and watch in headway.yaml", e.Limit>>20)
	}
	return fmt.Sprintf("%s is larger than %d MiB; keep it in an object store that the app reads, or leave it out with path or ignore in headway.yaml", e.Path, e.Limit>>20)
}

// Opener gives the content of a file and its size in bytes.
type Opener interface {
	Open(blob string) (int64, io.ReadCloser, error)
}

// maxLink is the longest target of a symlink.
const maxLink = 4096

// Write writes files, which are sorted by path, as a gzipped tarball. Equal
// files give equal bytes: owners and times are fixed, and the gzip stream is
// not compressed, because what a compressor emits differs between versions. A
// symlink that leads out of the tarball is left out.
func Write(w io.Writer, files []tree.File, content Opener, limits Limits) error {
	zipped, err := gzip.NewWriterLevel(w, gzip.NoCompression)
	if err != nil {
		return fmt.Errorf("writing the artifact: %w", err)
	}
	archive := tar.NewWriter(zipped)
	left := limits.Total
	for _, f := range files {
		n, err := writeFile(archive, f, content, limits.File)
		if err != nil {
			return fmt.Errorf("writing %s: %w", f.Path, err)
		}
		if left -= n; left < 0 {
			return &TooLargeError{Limit: limits.Total}
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		return fmt.Errorf("writing the artifact: %w", err)
	}
	return nil
}

// writeFile writes one file and returns its size.
func writeFile(archive *tar.Writer, f tree.File, content Opener, limit int64) (int64, error) {
	size, r, err := content.Open(f.Blob)
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Close() }()
	if size > limit {
		return 0, &TooLargeError{Path: f.Path, Limit: limit}
	}
	header := &tar.Header{Name: f.Path, Mode: 0o644, ModTime: time.Unix(0, 0)}
	switch f.Mode {
	case tree.Symlink:
		target, err := io.ReadAll(io.LimitReader(r, maxLink))
		if err != nil {
			return 0, err
		}
		if !staysInside(f.Path, string(target)) {
			return 0, nil
		}
		header.Typeflag, header.Linkname, header.Mode = tar.TypeSymlink, string(target), 0o777
		return 0, archive.WriteHeader(header)
	case tree.Executable:
		header.Mode = 0o755
	}
	header.Typeflag, header.Size = tar.TypeReg, size
	if err := archive.WriteHeader(header); err != nil {
		return 0, err
	}
	if _, err := io.Copy(archive, r); err != nil {
		return 0, err
	}
	return size, nil
}

// staysInside reports whether a symlink at name leads to a place in the tarball.
func staysInside(name, target string) bool {
	return target != "" && !path.IsAbs(target) && !strings.ContainsRune(target, 0) && filepath.IsLocal(path.Join(path.Dir(name), target))
}
