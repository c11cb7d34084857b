package ociimage

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// build turns the layer into one that go-containerregistry can push. The
// compressed bytes stay in memory: they are read twice (digest, upload).
func (l Layer) build() (v1.Layer, error) {
	if (len(l.Files) > 0) == (l.Tar != "") {
		return nil, errors.New("a layer needs either files or a tarball")
	}
	if l.Tar != "" {
		return tarball.LayerFromFile(l.Tar, tarball.WithCompressionLevel(gzip.BestSpeed), tarball.WithCompressedCaching)
	}
	files, err := withParents(l.Files)
	if err != nil {
		return nil, err
	}
	open := func() (io.ReadCloser, error) {
		reader, writer := io.Pipe()
		go func() { writer.CloseWithError(writeTar(writer, files)) }()
		return reader, nil
	}
	return tarball.LayerFromOpener(open, tarball.WithCompressionLevel(gzip.BestSpeed), tarball.WithCompressedCaching)
}

// withParents cleans the paths, adds the folders that are missing above the
// entries, and sorts everything by path, so that a folder precedes its content.
func withParents(files []File) ([]File, error) {
	byPath := map[string]File{}
	for _, file := range files {
		file.Path = strings.TrimPrefix(path.Clean("/"+file.Path), "/")
		if file.Path == "" {
			continue // the root itself
		}
		if _, twice := byPath[file.Path]; twice {
			return nil, fmt.Errorf("the layer names %s twice", file.Path)
		}
		if file.Mode.Perm() == 0 {
			file.Mode |= 0o644
			if file.Mode.IsDir() {
				file.Mode |= 0o755
			}
		}
		byPath[file.Path] = file
	}
	for name := range byPath {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if _, ok := byPath[dir]; !ok {
				byPath[dir] = File{Path: dir, Mode: fs.ModeDir | 0o755}
			}
		}
	}
	sorted := make([]File, 0, len(byPath))
	for _, file := range byPath {
		sorted = append(sorted, file)
	}
	slices.SortFunc(sorted, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return sorted, nil
}

func writeTar(out io.Writer, files []File) error {
	writer := tar.NewWriter(out)
	for _, file := range files {
		if err := writeEntry(writer, file); err != nil {
			return fmt.Errorf("writing %s: %w", file.Path, err)
		}
	}
	return writer.Close()
}

func writeEntry(writer *tar.Writer, file File) error {
	header := &tar.Header{
		Name: file.Path, ModTime: epoch, Uid: file.UID, Gid: file.GID,
		Mode: tarMode(file.Mode), Format: tar.FormatPAX,
	}
	var content io.Reader = bytes.NewReader(file.Data)
	switch {
	case file.Mode.IsDir():
		header.Typeflag, header.Name = tar.TypeDir, file.Path+"/"
	case file.Link != "":
		header.Typeflag, header.Linkname = tar.TypeSymlink, file.Link
	case file.Source != "":
		source, err := os.Open(file.Source)
		if err != nil {
			return err
		}
		defer source.Close()
		info, err := source.Stat()
		if err != nil {
			return err
		}
		header.Typeflag, header.Size, content = tar.TypeReg, info.Size(), source
	default:
		header.Typeflag, header.Size = tar.TypeReg, int64(len(file.Data))
	}
	if err := writer.WriteHeader(header); err != nil {
		return err
	}
	if header.Typeflag != tar.TypeReg {
		return nil
	}
	_, err := io.Copy(writer, content)
	return err
}

// tarMode translates Go's mode bits into the ones of a tar header.
func tarMode(mode fs.FileMode) int64 {
	bits := int64(mode.Perm())
	for flag, bit := range map[fs.FileMode]int64{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if mode&flag != 0 {
			bits |= bit
		}
	}
	return bits
}
