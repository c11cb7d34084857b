package channel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// idFile has on disk what seen has in memory, so that a start reads 20 bytes for an
// event that is known again, and not the event. Nothing is synced, and what was kept
// last waits in memory: what the file says is which numbers of a channel it covers,
// and all others are read from the log.
//
// There are two generations, as seen has them: a full file takes the place of the
// one before. A file is frames:
//
//	crc32 of the rest | entries | mark of the channel | first, last number | entries
//	entry: key | when it was kept, in Unix seconds
//
// All its methods may be called at the same time, and on nil: then nothing is kept.
type idFile struct {
	dir  string
	most int // entries in a file
	log  *slog.Logger

	mu      sync.Mutex
	file    *os.File // nil after an error: the log is read at the next start
	size    int64
	entries int // in file, with those that wait
	waits   []byte
}

const (
	idsHead  = 4 + 4 + len(key{}) + 8 + 8
	idsEntry = len(key{}) + 4
	// idsWait is how many bytes wait in memory: after a kill, at most 800 events are
	// read from the log for them.
	idsWait = 16 << 10
)

// run is the newest events of a channel without one missing, as an idFile has them.
type run struct {
	first, last uint64
	known       []knownID
}

type knownID struct {
	key key
	at  uint32
}

// writtenIDs is what an idFile has.
type writtenIDs struct {
	runs map[key]*run // by the mark of the channel
	// since: what was kept before had to make room; zero: nothing had to.
	since time.Time
}

// openIDs reads what was kept. What is damaged, and all behind it, counts as not kept.
func openIDs(dir string, most int, log *slog.Logger) (i *idFile, has writtenIDs, err error) {
	i = &idFile{dir: dir, most: most, log: log}
	has.runs = map[key]*run{}
	old, err := readOptional(i.path("old"))
	if err != nil {
		return nil, has, err
	}
	young, err := readOptional(i.path("young"))
	if err != nil {
		return nil, has, err
	}
	takeFrames(has.runs, old)
	has.since = sinceOf(old)
	size, entries := takeFrames(has.runs, young)
	if i.file, err = os.OpenFile(i.path("young"), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, has, fmt.Errorf("opening the known ids: %w", err)
	}
	if err := i.file.Truncate(int64(size)); err != nil {
		return nil, has, errors.Join(fmt.Errorf("opening the known ids: %w", err), i.file.Close())
	}
	i.size, i.entries = int64(size), entries
	return i, has, nil
}

// sinceOf is when the first event of the frames in b was kept; zero if there is none.
func sinceOf(b []byte) time.Time {
	for {
		_, f, size := parseFrame(b)
		if size == 0 {
			return time.Time{}
		}
		if len(f.known) > 0 {
			return time.Unix(int64(f.known[0].at), 0)
		}
		b = b[size:]
	}
}

func (i *idFile) path(generation string) string { return filepath.Join(i.dir, "ids."+generation) }

func readOptional(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the known ids: %w", err)
	}
	return b, nil
}

// takeFrames adds the frames at the front of b to runs, up to the first damaged one,
// and returns how many bytes and entries that are.
func takeFrames(runs map[key]*run, b []byte) (size, entries int) {
	for {
		m, f, n := parseFrame(b[size:])
		if n == 0 {
			return size, entries
		}
		size, entries = size+n, entries+len(f.known)
		r := runs[m]
		if r == nil || f.first != r.last+1 {
			runs[m] = &f // nothing is known of the numbers between
			continue
		}
		r.last, r.known = f.last, append(r.known, f.known...)
	}
}

func appendFrame(b []byte, m key, f run) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(f.known)))
	b = append(b, m[:]...)
	b = binary.LittleEndian.AppendUint64(b, f.first)
	b = binary.LittleEndian.AppendUint64(b, f.last)
	for _, known := range f.known {
		b = append(b, known.key[:]...)
		b = binary.LittleEndian.AppendUint32(b, known.at)
	}
	binary.LittleEndian.PutUint32(b[start:], crc32.ChecksumIEEE(b[start+4:]))
	return b
}

// parseFrame reads the frame at the front of b and returns its length, 0 if it is
// damaged or there is none.
func parseFrame(b []byte) (m key, f run, size int) {
	if len(b) < idsHead {
		return m, f, 0
	}
	n := uint64(binary.LittleEndian.Uint32(b[4:]))
	if n > uint64((len(b)-idsHead)/idsEntry) {
		return m, f, 0
	}
	size = idsHead + int(n)*idsEntry
	if binary.LittleEndian.Uint32(b) != crc32.ChecksumIEEE(b[4:size]) {
		return m, f, 0
	}
	rest := b[8+copy(m[:], b[8:]) : size]
	f.first, f.last = binary.LittleEndian.Uint64(rest), binary.LittleEndian.Uint64(rest[8:])
	f.known = make([]knownID, n)
	rest = rest[16:]
	for i := range f.known {
		at := copy(f.known[i].key[:], rest)
		f.known[i].at = binary.LittleEndian.Uint32(rest[at:])
		rest = rest[idsEntry:]
	}
	return m, f, size
}

// kept notes the events of a group that was written together, of which last is the
// number of the last one.
func (i *idFile) kept(m key, group []*request, last uint64, now time.Time) {
	if i == nil {
		return
	}
	f := run{first: last + 1, last: last}
	for _, r := range group {
		f.first -= uint64(len(r.events))
		for _, k := range r.keys {
			f.known = append(f.known, knownID{k, uint32(now.Unix())})
		}
	}
	if len(f.known) > 0 { // else nothing is to be known again
		i.note(m, f)
	}
}

// note has a frame written, sooner or later.
func (i *idFile) note(m key, f run) {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.waits = appendFrame(i.waits, m, f)
	if i.entries += len(f.known); i.entries >= i.most || len(i.waits) >= idsWait {
		i.write()
	}
}

// write writes what waits, and begins another file when this one is full. After an
// error nothing is written any more. Called with mu held.
func (i *idFile) write() {
	waits := i.waits
	i.waits = i.waits[:0]
	if i.file == nil {
		return
	}
	_, err := i.file.WriteAt(waits, i.size)
	if i.size += int64(len(waits)); err == nil && i.entries >= i.most {
		err = i.turn()
	}
	if err != nil {
		i.log.Warn("the ids of events are not written down any more, so the next start reads the events", "err", err)
		i.file.Close() //nolint:errcheck // what it has is checked when it is read
		i.file = nil
	}
}

// turn begins another file. Called with mu held.
func (i *idFile) turn() error {
	file := i.file
	if err := os.Rename(i.path("young"), i.path("old")); err != nil {
		return err
	}
	next, err := os.OpenFile(i.path("young"), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	i.file, i.size, i.entries = next, 0, 0
	return file.Close()
}

// close writes what waits.
func (i *idFile) close() error {
	if i == nil {
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.write(); i.file == nil {
		return nil
	}
	file := i.file
	i.file = nil
	return file.Close()
}
