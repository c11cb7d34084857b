package git

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// packed is what a pack holds.
type packed struct {
	// thin: it has deltas against objects that are not in it.
	thin bool
	// bytes of all objects, uncompressed.
	bytes int64
}

// checkPack reads a pack once before it is indexed: indexing holds each object
// in memory, so an object larger than the limit has to be refused by its
// header. It leaves the file at its start.
func checkPack(file io.ReadSeeker, limits Limits) (packed, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return packed{}, fmt.Errorf("reading the pack: %w", err)
	}
	scanner := packfile.NewScanner(file)
	_, count, err := scanner.Header()
	if err != nil {
		return packed{}, fmt.Errorf("reading the pack: %w", err)
	}
	var held packed
	for range count {
		header, err := scanner.NextObjectHeader()
		if err != nil {
			return packed{}, fmt.Errorf("reading the pack: %w", err)
		}
		if header.Length > limits.ObjectBytes {
			return packed{}, fileTooLarge(header.Length, limits)
		}
		// Deltas inside a pack are asked for as offsets.
		held.thin = held.thin || header.Type == plumbing.REFDeltaObject
		head := &deltaHead{}
		if _, _, err := scanner.NextObject(head); err != nil {
			return packed{}, fmt.Errorf("reading the pack: %w", err)
		}
		if !header.Type.IsDelta() {
			held.bytes += header.Length
			continue
		}
		target, ok := head.targetSize()
		if !ok {
			return packed{}, errors.New("reading the pack: a delta without sizes")
		}
		if target > limits.ObjectBytes {
			return packed{}, fileTooLarge(target, limits)
		}
		held.bytes += target
	}
	if _, err := scanner.Checksum(); err != nil {
		return packed{}, fmt.Errorf("reading the pack: %w", err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return packed{}, fmt.Errorf("reading the pack: %w", err)
	}
	return held, nil
}

func fileTooLarge(n int64, limits Limits) *Error {
	return failure(v1alpha1.ReasonTooLarge, "the commit holds a file of %s, more than the limit of %s; find it with \"git ls-tree -r -l HEAD | sort -k4 -n | tail\" and move it to LFS or an object store",
		size(n), size(limits.ObjectBytes))
}

// deltaHead keeps the start of a delta, where the sizes stand.
type deltaHead struct {
	n int
	b [20]byte
}

func (h *deltaHead) Write(p []byte) (int, error) {
	h.n += copy(h.b[h.n:], p)
	return len(p), nil
}

// targetSize is the second of the two base-128 numbers that a delta begins
// with: the size of the object that it makes.
func (h *deltaHead) targetSize() (int64, bool) {
	_, source := binary.Uvarint(h.b[:h.n])
	target, length := binary.Uvarint(h.b[max(source, 0):h.n])
	return int64(min(target, math.MaxInt64)), source > 0 && length > 0
}
