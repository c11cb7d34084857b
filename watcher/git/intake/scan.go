package intake

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// What an entry's base is where it is none of the pack.
const (
	whole    = -1 // the entry is no delta
	external = -2 // refs has the hash of the base
)

// entry is one object of a pack.
type entry struct {
	offset int64
	// size of the object, and chain of the objects that it is made from, itself
	// among them, in bytes. Of a base outside the pack it is what the delta says.
	size, chain int64
	base        int32
	crc         uint32
	// kind and hash of a delta are not known before it is resolved.
	kind plumbing.ObjectType
	hash plumbing.Hash
}

// scanned is what a pack holds.
type scanned struct {
	entries  []entry
	checksum plumbing.Hash
	// refs are the hashes of bases that deltas name so, by the index of the delta.
	// A pack with such is thin: it may not be able to stand on its own.
	refs map[int32]plumbing.Hash
	// bytes of all objects, uncompressed.
	bytes int64
	// bases are the bytes of all objects that deltas are made from, and patch is the
	// most that one delta, its base and its result come to.
	bases, patch int64
}

// scan reads a pack of so many bytes once. What is larger than the bounds is
// refused by its header, before it is uncompressed.
func scan(file io.ReadSeeker, packed int64, b Bounds) (*scanned, error) {
	scanner := packfile.NewScanner(file)
	_, count, err := scanner.Header()
	if err != nil {
		return nil, malformed(err)
	}
	if int64(count) > int64(b.Objects) {
		return nil, tooLarge("the fetch has %d objects, more than the limit of %d; split the repository", count, b.Objects)
	}
	s := &scanned{entries: make([]entry, 0, atMost(count, packed)), refs: map[int32]plumbing.Hash{}}
	for range count {
		if err := s.next(scanner, b); err != nil {
			return nil, err
		}
		if err := s.expands(packed, b); err != nil {
			return nil, err
		}
	}
	if s.checksum, err = scanner.Checksum(); err != nil {
		return nil, malformed(err)
	}
	return s, nil
}

// leastEntry is the least that an object takes in a pack: two bytes of a header,
// and what zlib makes of nothing.
const leastEntry = 10

// atMost is how many objects a pack of so many bytes can hold, whatever its
// header says.
func atMost(count uint32, packed int64) int64 { return min(int64(count), packed/leastEntry) }

func (s *scanned) expands(packed int64, b Bounds) error {
	switch {
	case s.bytes > b.ExpandedBytes:
		return tooLarge("the fetch has more than %s uncompressed; split the repository", mib(b.ExpandedBytes))
	case s.bytes > b.FreeBytes && s.bytes/max(packed, 1) > b.Ratio:
		return tooLarge("the fetch has %s, and more than %s when it is uncompressed, over %d times as much; take out files that are empty space, or move them to LFS or an object store",
			mib(packed), mib(s.bytes), b.Ratio)
	}
	return nil
}

// next reads one object.
func (s *scanned) next(scanner *packfile.Scanner, b Bounds) error {
	header, err := scanner.NextObjectHeader()
	if err != nil {
		return malformed(err)
	}
	e := entry{offset: header.Offset, size: header.Length, kind: header.Type, base: whole}
	if e.size < 0 {
		return malformed(errors.New("an object of less than nothing"))
	}
	if header.Type.IsDelta() {
		return s.nextDelta(scanner, header, e, b)
	}
	if !header.Type.Valid() {
		return malformed(fmt.Errorf("object type %d", header.Type))
	}
	if err := fits(e.kind, e.size, b); err != nil {
		return err
	}
	hasher := plumbing.NewHasher(e.kind, e.size)
	n, crc, err := scanner.NextObject(hasher)
	switch {
	case err != nil:
		return malformed(err)
	case n != e.size:
		return malformed(fmt.Errorf("an object of %d bytes has %d", e.size, n))
	}
	e.hash, e.crc, e.chain = hasher.Sum(), crc, e.size
	s.bytes += e.size
	s.entries = append(s.entries, e)
	return nil
}

func (s *scanned) nextDelta(scanner *packfile.Scanner, header *packfile.ObjectHeader, e entry, b Bounds) error {
	if header.Length > b.ObjectBytes {
		return fits(plumbing.BlobObject, header.Length, b)
	}
	head := &deltaHead{}
	n, crc, err := scanner.NextObject(head)
	if err == nil && n != header.Length {
		err = fmt.Errorf("a delta of %d bytes has %d", header.Length, n)
	}
	if err != nil {
		return malformed(err)
	}
	source, target, ok := head.sizes()
	if !ok || source < 0 || target < 0 {
		return malformed(errors.New("a delta without sizes"))
	}
	if err := fits(plumbing.BlobObject, max(source, target), b); err != nil {
		return err
	}
	e.crc, e.size, e.chain = crc, target, source+target
	at := int32(len(s.entries))
	if header.Type == plumbing.REFDeltaObject {
		e.base, s.refs[at] = external, header.Reference
	} else {
		base, found := slices.BinarySearchFunc(s.entries, header.OffsetReference, byOffset)
		if !found {
			return malformed(errors.New("a delta against nothing"))
		}
		e.base, e.chain = int32(base), s.entries[base].chain+target
	}
	s.bytes += target
	s.bases += source
	s.patch = max(s.patch, source+target+header.Length)
	s.entries = append(s.entries, e)
	return nil
}

// fits holds one object against the bounds.
func fits(kind plumbing.ObjectType, n int64, b Bounds) error {
	switch {
	case kind != plumbing.BlobObject && n > b.FolderBytes:
		return tooLarge("the fetch has a %s of %s without any file, more than the limit of %s; split it", named(kind), mib(n), mib(b.FolderBytes))
	case n > b.ObjectBytes:
		return tooLarge("the commit holds a file of %s, more than the limit of %s; find it with \"git ls-tree -r -l HEAD | sort -k4 -n | tail\" and move it to LFS or an object store",
			mib(n), mib(b.ObjectBytes))
	}
	return nil
}

func named(kind plumbing.ObjectType) string {
	if kind == plumbing.TreeObject {
		return "folder"
	}
	return kind.String()
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

// sizes are the two base-128 numbers that a delta begins with: the size of what
// it is against, and of the object that it makes.
func (h *deltaHead) sizes() (source, target int64, ok bool) {
	s, n := binary.Uvarint(h.b[:h.n])
	t, m := binary.Uvarint(h.b[max(n, 0):h.n])
	return int64(s), int64(t), n > 0 && m > 0
}
