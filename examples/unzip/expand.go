package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
)

// marks is where the bucket with the files has a mark for each zip that is
// expanded. No zip can write there.
const marks = ".unzipped/"

// expander expands the zips of one bucket into another.
type expander struct {
	uploads, files string
	store          *store
}

// expand writes the files of a zip below its name without .zip. An event that
// comes again finds the mark, or writes the same files once more.
func (x *expander) expand(ctx context.Context, key string) error {
	if strings.HasPrefix(key, ".unzipped") {
		return unusable("its name begins like that of the marks")
	}
	object, err := x.store.open(ctx, x.uploads, key)
	if errors.Is(err, errNotFound) {
		return &never{http.StatusGone, "the zip is not there any more"}
	} else if err != nil {
		return err
	}
	if object.size > maxZip {
		return unusable("it is larger than %d bytes", maxZip)
	}
	mark, err := x.store.open(ctx, x.files, marks+key)
	if err == nil && mark.of == object.etag {
		return nil
	} else if err != nil && !errors.Is(err, errNotFound) {
		return err
	}
	object.left = maxIndex
	archive, err := zip.NewReader(object, object.size)
	if err != nil {
		return broken(err)
	}
	object.left = unlimited
	files, err := choose(archive.File, object.size)
	if err != nil {
		return err
	}
	folder := key[:len(key)-len(".zip")] + "/"
	for _, f := range files {
		if err := x.write(ctx, folder+f.Name, f); err != nil {
			return err
		}
	}
	return x.store.put(ctx, x.files, marks+key, bytes.NewReader(nil), 0, object.etag)
}

// write expands one file on its way from bucket to bucket. What turns out to be
// broken at its end is not kept: the request breaks off.
func (x *expander) write(ctx context.Context, key string, f *zip.File) error {
	content, err := f.Open()
	if err != nil {
		return broken(err)
	}
	defer content.Close()
	whole := &whole{content: bufio.NewReaderSize(content, 64<<10)}
	if f.UncompressedSize64 == 0 { // nothing of it would be read
		_, _ = whole.Read(make([]byte, 1))
	}
	if err := x.store.put(ctx, x.files, key, whole, int64(f.UncompressedSize64), ""); whole.err != nil {
		return broken(whole.err)
	} else if err != nil {
		return err
	}
	return nil
}

// broken tells a zip that cannot be read from a store that is away.
func broken(err error) error {
	if errors.Is(err, errStore) {
		return err
	}
	return unusable("%v", err)
}

// whole holds the last bytes of a file back until it has ended as it should: with
// its size and its checksum. Else it ends with an error, which it notes.
type whole struct {
	content *bufio.Reader
	err     error
}

func (w *whole) Read(p []byte) (int, error) {
	p = p[:min(len(p), w.content.Size()-1)]
	ready, err := w.content.Peek(len(p) + 1)
	switch {
	case err == nil:
		ready = ready[:len(p)]
	case err != io.EOF:
		w.err = err
		return 0, err
	case len(ready) == 0:
		return 0, io.EOF
	}
	n := copy(p, ready)
	_, _ = w.content.Discard(n) // it is in the buffer
	return n, nil
}
