package main

import (
	"archive/zip"
	"fmt"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"
)

// Bounds of a zip, so that a hostile one costs little.
const (
	maxZip   = 256 << 20 // bytes of the zip
	maxIndex = 4 << 20   // bytes of its table of contents
	maxFiles = 1000
	maxBytes = 256 << 20 // of all files together
	maxRatio = 200       // bytes for each byte of the zip, where there are more than free
	free     = 1 << 20
	maxName  = 512 // bytes
)

// choose returns the files of a zip, without its folders, or why it is refused as
// a whole: half of an archive is worse than none.
func choose(all []*zip.File, size int64) ([]*zip.File, error) {
	var files []*zip.File
	var bytes uint64
	seen := map[string]bool{}
	for _, f := range all {
		if strings.HasSuffix(f.Name, "/") && f.UncompressedSize64 == 0 {
			continue
		}
		if why := refusal(f); why != "" {
			return nil, unusable("file %q %s", f.Name, why)
		}
		if seen[f.Name] {
			return nil, unusable("file %q is there twice", f.Name)
		}
		seen[f.Name] = true
		files = append(files, f)
		if f.UncompressedSize64 > maxBytes {
			return nil, unusable("file %q is larger than %d bytes", f.Name, maxBytes)
		}
		bytes += f.UncompressedSize64
		switch {
		case len(files) > maxFiles:
			return nil, unusable("there are more than %d files in it", maxFiles)
		case bytes > maxBytes:
			return nil, unusable("its files are larger than %d bytes together", maxBytes)
		case bytes > free && bytes > maxRatio*uint64(size):
			return nil, unusable("its files are more than %d times as large as itself", maxRatio)
		}
	}
	return files, nil
}

// refusal is why a file is not expanded; empty if it is.
func refusal(f *zip.File) string {
	switch {
	case len(f.Name) > maxName:
		return "has a name that is too long"
	case !utf8.ValidString(f.Name) || strings.ContainsFunc(f.Name, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }):
		return "has a name with characters that it may not have"
	case f.Name == "" || strings.HasPrefix(f.Name, "/") || path.Clean(f.Name) != f.Name || f.Name == ".." || strings.HasPrefix(f.Name, "../"):
		return "has a name that leads elsewhere"
	case !f.Mode().IsRegular():
		return "is no plain file"
	case f.Flags&1 != 0:
		return "is encrypted"
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return "is compressed in a way that is not known"
	}
	return ""
}

func unusable(format string, args ...any) error {
	return &never{http.StatusUnprocessableEntity, "the zip cannot be used: " + fmt.Sprintf(format, args...)}
}
