package story

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sort"

	"k8s.io/apimachinery/pkg/types"
)

// entry leads from a key to a record.
type entry struct {
	key    uint64
	offset uint32
}

const (
	entrySize = 12
	// pageEntries is how many entries are read at a time.
	pageEntries = 340 // 4 KiB
	tailSize    = 8   // length and checksum of what stands before
)

// segment is a full log with its index.
type segment struct {
	number uint64
	log    *os.File
	index  *os.File
	size   int64 // of log
	tail   tail
}

// tail is the end of an index file, which stays in memory.
type tail struct {
	Entries int `json:"entries"`
	// Fences are the keys of the first entry of each page.
	Fences []uint64 `json:"fences"`
	// Newest are the highest sequence numbers of channels in the log.
	Newest []newest `json:"newest"`
	// Bytes of the log are of each namespace.
	Bytes map[string]int64 `json:"bytes"`
}

type newest struct {
	types.NamespacedName
	Seq uint64
}

func logPath(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%016x.log", number))
}

func indexPath(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%016x.index", number))
}

// seal writes the index of a full log, which the segment takes over.
func seal(dir string, number uint64, log *os.File, size int64, of contents) (*segment, error) {
	entries := of.entries
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.offset, b.offset))
	})
	s := &segment{number: number, log: log, size: size, tail: tail{Entries: len(entries), Bytes: of.bytes}}
	for name, seq := range of.newest {
		s.tail.Newest = append(s.tail.Newest, newest{name, seq})
	}
	b := make([]byte, 0, len(entries)*entrySize)
	for i, e := range entries {
		if i%pageEntries == 0 {
			s.tail.Fences = append(s.tail.Fences, e.key)
		}
		b = binary.BigEndian.AppendUint64(b, e.key)
		b = binary.BigEndian.AppendUint32(b, e.offset)
	}
	end, err := json.Marshal(s.tail)
	if err != nil {
		return nil, fmt.Errorf("encoding the end of an index: %w", err)
	}
	b = append(b, end...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(end)))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(end))
	path := indexPath(dir, number)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	s.index, err = os.Open(path)
	return s, err
}

// openSegment opens a log that was written before; one whose index is missing or
// damaged gets a new one of the records that can be read.
func openSegment(dir string, number uint64) (*segment, error) {
	log, err := os.Open(logPath(dir, number))
	if err != nil {
		return nil, err
	}
	info, err := log.Stat()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	s := &segment{number: number, log: log, size: info.Size()}
	if s.index, err = os.Open(indexPath(dir, number)); err == nil {
		if s.tail, err = readTail(s.index); err == nil {
			return s, nil
		}
		err = s.index.Close()
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errors.Join(err, log.Close())
	}
	of, err := scan(log)
	if err == nil {
		s, err = seal(dir, number, log, info.Size(), of)
	}
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	return s, nil
}

func readTail(index *os.File) (t tail, err error) {
	info, err := index.Stat()
	if err != nil {
		return t, err
	}
	var head [tailSize]byte
	if _, err := index.ReadAt(head[:], info.Size()-tailSize); err != nil {
		return t, errDamaged
	}
	size := int64(binary.BigEndian.Uint32(head[:]))
	start := info.Size() - tailSize - size
	if start < 0 {
		return t, errDamaged
	}
	b := make([]byte, size)
	if _, err := index.ReadAt(b, start); err != nil {
		return t, errDamaged
	}
	if crc32.ChecksumIEEE(b) != binary.BigEndian.Uint32(head[4:]) || json.Unmarshal(b, &t) != nil || int64(t.Entries)*entrySize != start ||
		len(t.Fences) != (t.Entries+pageEntries-1)/pageEntries {
		return tail{}, errDamaged
	}
	return t, nil
}

// scan reads what is in a log up to the first record that is damaged.
func scan(log *os.File) (contents, error) {
	of := newContents()
	err := each(log, func(r record, offset, size int) { of.note(r, offset, size) })
	return of, err
}

// find returns the offsets of the records with a key, in the order of writing.
func (s *segment) find(key uint64) (offsets []uint32, err error) {
	fences := s.tail.Fences
	page := max(sort.Search(len(fences), func(i int) bool { return fences[i] >= key })-1, 0)
	b := make([]byte, pageEntries*entrySize)
	for ; page < len(fences) && fences[page] <= key; page++ {
		first := page * pageEntries
		some := b[:min(pageEntries, s.tail.Entries-first)*entrySize]
		if _, err := s.index.ReadAt(some, int64(first)*entrySize); err != nil {
			return nil, fmt.Errorf("reading an index of the story: %w", err)
		}
		for ; len(some) > 0; some = some[entrySize:] {
			if binary.BigEndian.Uint64(some) == key {
				offsets = append(offsets, binary.BigEndian.Uint32(some[8:]))
			}
		}
	}
	return offsets, nil
}

// readRecord reads one that starts at an offset of a log.
func readRecord(log io.ReaderAt, offset uint32) (*Accepted, *Attempt, error) {
	var space [512]byte // most are shorter
	n, err := log.ReadAt(space[:], int64(offset))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	b := space[:n]
	if n >= frameHead {
		if size := binary.LittleEndian.Uint32(b); size <= maxRecord && int(size)+frameHead > n {
			b = make([]byte, frameHead+size)
			if _, err := log.ReadAt(b, int64(offset)); err != nil {
				return nil, nil, errDamaged
			}
		}
	}
	payload, err := payloadOf(b)
	if err != nil {
		return nil, nil, err
	}
	return decode(payload)
}

// close lets go of the files.
func (s *segment) close() error { return errors.Join(s.log.Close(), s.index.Close()) }

// remove takes the segment from the disk.
func (s *segment) remove(dir string) error {
	return errors.Join(s.close(), os.Remove(indexPath(dir, s.number)), os.Remove(logPath(dir, s.number)))
}
