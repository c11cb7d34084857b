package intake

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

const (
	// ChainBytes is the most that is held to read an object of a pack that was
	// taken, of that and what it is made from.
	ChainBytes = 4 << 20
	// streamFrom is the size from which an object is read from disk piece by piece.
	streamFrom = 1 << 20
	// What a process takes: fixed, for each object and for each that names its base
	// by a hash, and the most for bases that wait.
	fixedBytes = 24 << 20
	entryBytes = 80
	refBytes   = 200
	holdBytes  = 64 << 20
	// largeBytes is the size of objects from which memory is taken back before the
	// next one is made.
	largeBytes = 8 << 20
)

// Held is what a pack held.
type Held struct {
	Objects int
	// Bytes of all objects, uncompressed.
	Bytes int64
	// Need is the memory that taking it needs, in bytes. It is not taken where that
	// is more than what was given.
	Need  int64
	Taken bool
}

// take checks a pack and puts it into the cache in dir, given that it needs no
// more memory than so many bytes. The file of a thin pack is left alone, that of
// another becomes part of the cache.
func take(dir, pack string, b Bounds, memory int64) (Held, error) {
	file, err := os.Open(pack)
	if err != nil {
		return Held{}, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return Held{}, err
	}
	count, err := counted(file, info.Size())
	if err != nil {
		return Held{}, err
	}
	if need := fixedBytes + entryBytes*min(count, int64(b.Objects)); need > memory {
		return Held{Need: need}, enough(need, b)
	}
	s, err := scan(file, info.Size(), b)
	if err != nil {
		return Held{}, err
	}
	held := Held{Objects: len(s.entries), Bytes: s.bytes, Need: s.need()}
	if err := enough(held.Need, b); err != nil || held.Need > memory {
		return held, err
	}
	if err := s.store(dir, file, b); err != nil {
		return Held{}, err
	}
	held.Taken = true
	return held, nil
}

// counted is how many objects a pack says that it has, of those that find room
// in it.
func counted(file io.ReaderAt, packed int64) (int64, error) {
	var header [12]byte
	if _, err := file.ReadAt(header[:], 0); err != nil {
		return 0, malformed(err)
	}
	return atMost(binary.BigEndian.Uint32(header[8:]), packed), nil
}

// need is the memory for a pack that was scanned, in bytes: its entries, the
// bases that wait, a delta with its base and its result, and what is left of those
// before.
func (s *scanned) need() int64 {
	return fixedBytes + entryBytes*int64(len(s.entries)) + refBytes*int64(len(s.refs)) + min(s.bases, holdBytes) +
		s.patch + min(s.patch, 2*largeBytes)
}

func enough(need int64, b Bounds) error {
	if need <= b.Memory {
		return nil
	}
	return tooLarge("reading the fetch needs %s of memory, more than the limit of %s, as it has too many files at once or large ones as differences to others; split the repository, or move them to LFS or an object store",
		mib(need), mib(b.Memory))
}

// store resolves the deltas and writes what there is to write.
func (s *scanned) store(dir string, file io.ReadSeeker, b Bounds) error {
	storage := filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRU(ChainBytes), filesystem.Options{LargeObjectThreshold: streamFrom})
	thin := len(s.refs) > 0
	put := func(e entry) bool { return thin || e.base != whole && e.chain > ChainBytes }
	r := newResolver(s, file, stored{storage, s.patch}, b, put)
	if err := r.resolve(); err != nil {
		return err
	}
	if thin {
		return r.explode()
	}
	listed := make([]int32, 0, len(s.entries))
	for i, e := range s.entries {
		if !put(e) {
			listed = append(listed, int32(i))
		}
	}
	return s.index(dir, file.(*os.File).Name(), listed)
}

// explode stores the objects of a thin pack that are whole; those that were
// deltas are stored.
func (r *resolver) explode() error {
	for i, e := range r.entries {
		if e.base != whole {
			continue
		}
		err := r.objects.Put(e, func(w io.Writer) error {
			if _, err := r.scanner.SeekObjectHeader(r.entries[i].offset); err != nil {
				return malformed(err)
			}
			_, _, err := r.scanner.NextObject(w)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// index puts the pack into the cache. The index comes first: a pack counts from
// the moment that it is there.
func (s *scanned) index(dir, pack string, listed []int32) (err error) {
	file, err := os.CreateTemp(dir, filepath.Base(pack)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		_ = file.Close()
		_ = os.Remove(file.Name()) // not there any more when all went well
	}()
	if err := errors.Join(writeIndex(file, s.entries, listed, s.checksum), file.Close()); err != nil {
		return err
	}
	to := filepath.Join(dir, "objects", "pack", "pack-"+s.checksum.String())
	return errors.Join(os.Rename(file.Name(), to+".idx"), os.Rename(pack, to+".pack"))
}

// stored are the objects of a cache.
type stored struct {
	*filesystem.Storage
	// most is the size of the largest object that the memory was reckoned for.
	most int64
}

func (s stored) Base(hash plumbing.Hash) (plumbing.ObjectType, []byte, error) {
	o, err := s.EncodedObject(plumbing.AnyObject, hash)
	if err != nil {
		return 0, nil, err
	}
	if o.Size() > s.most {
		return 0, nil, malformed(errDelta)
	}
	r, err := o.Reader()
	if err != nil {
		return 0, nil, err
	}
	content := make([]byte, o.Size())
	_, err = io.ReadFull(r, content)
	return o.Type(), content, errors.Join(err, r.Close())
}

func (s stored) Put(o entry, content func(io.Writer) error) error {
	if s.HasEncodedObject(o.hash) == nil {
		return nil
	}
	w, header, err := s.LazyWriter()
	if err != nil {
		return err
	}
	return errors.Join(header(o.kind, o.size), content(w), w.Close())
}

// problem gives an error as a *Problem.
func problem(err error) *Problem {
	var known *Problem
	var path *fs.PathError
	var link *os.LinkError
	var errno syscall.Errno
	switch {
	case errors.As(err, &known):
		return known
	case (errors.As(err, &path) || errors.As(err, &link)) && errors.As(err, &errno):
		return &Problem{Kind: Disk, Message: err.Error(), Errno: errno}
	}
	return malformed(err)
}
