package channel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// known is what was last known of a channel, kept beside the log: the log alone
// does not tell that its newest events are missing.
type known struct {
	First, Last     uint64
	FirstAt, LastAt time.Time
	// Hidden is how many of Gap.Lost the log itself does not show as missing.
	Hidden uint64
	Gap    Gap // From is 0 if there is none
}

// ledger keeps what is known of each stream. note is called with every group of
// events and must be cheap.
type ledger interface {
	// get returns what is known of a stream; nothing is the zero value.
	get(ctx context.Context, stream string) (known, error)
	note(stream string, k known) error
	forget(stream string) error
	close() error
}

// ledgerFile is a file with a record for each channel. It is written with every
// group of events, which outlives the process at once, and synced to disk once
// a second. So only where the power fails and the disk damages the newest
// events at the same moment, up to a second of them can be missed unnoticed.
//
//	crc32 of the rest | length of the name | name | eight numbers | zeros
type ledgerFile struct {
	file *os.File
	stop chan struct{}
	done sync.WaitGroup

	mu      sync.Mutex
	records map[string]known
	slots   map[string]int64 // where in the file, in records
	free    []int64
	dirty   bool
}

// recordSize is a sector: what is written whole or not at all.
const recordSize = 512

const recordNumbers = 9

func openLedgerFile(dir string, log *slog.Logger) (*ledgerFile, error) {
	file, err := os.OpenFile(filepath.Join(dir, "known"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	l := &ledgerFile{file: file, stop: make(chan struct{}), records: map[string]known{}, slots: map[string]int64{}}
	if err := l.read(log); err != nil {
		file.Close()
		return nil, err
	}
	l.done.Go(func() { l.syncs(log) })
	return l, nil
}

// read takes up every record. One that is damaged is said and forgotten.
func (l *ledgerFile) read(log *slog.Logger) error {
	buf := make([]byte, recordSize)
	for slot := int64(0); ; slot++ {
		_, err := l.file.ReadAt(buf, slot*recordSize)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading what is known of channels: %w", err)
		}
		stream, k, ok := parseRecord(buf)
		if !ok {
			log.Warn("what was last known of a channel is damaged: a loss of its newest events would not be found", "record", slot)
		}
		if stream == "" {
			l.free = append(l.free, slot)
			continue
		}
		l.records[stream], l.slots[stream] = k, slot
	}
}

func (l *ledgerFile) get(_ context.Context, stream string) (known, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records[stream], nil
}

// note writes what is known of a stream now.
func (l *ledgerFile) note(stream string, k known) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	slot, ok := l.slots[stream]
	if !ok {
		slot = int64(len(l.slots) + len(l.free))
		if n := len(l.free); n > 0 {
			slot, l.free = l.free[n-1], l.free[:n-1]
		}
		l.slots[stream] = slot
	}
	l.records[stream], l.dirty = k, true
	_, err := l.file.WriteAt(appendRecord(nil, stream, k), slot*recordSize)
	return err
}

// forget removes a stream.
func (l *ledgerFile) forget(stream string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	slot, ok := l.slots[stream]
	if !ok {
		return nil
	}
	delete(l.slots, stream)
	delete(l.records, stream)
	l.free, l.dirty = append(l.free, slot), true
	_, err := l.file.WriteAt(make([]byte, recordSize), slot*recordSize)
	return err
}

// syncs has what changed on disk within a second.
func (l *ledgerFile) syncs(log *slog.Logger) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
		}
		l.mu.Lock()
		dirty := l.dirty
		l.dirty = false
		l.mu.Unlock()
		if !dirty {
			continue
		}
		if err := l.file.Sync(); err != nil {
			log.Error("syncing what is known of channels", "err", err)
		}
	}
}

func (l *ledgerFile) close() error {
	close(l.stop)
	l.done.Wait()
	return errors.Join(l.file.Sync(), l.file.Close())
}

func appendRecord(dst []byte, stream string, k known) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0, byte(len(stream)))
	dst = append(dst, stream...)
	for _, n := range [recordNumbers]uint64{
		k.First, k.Last, nanos(k.FirstAt), nanos(k.LastAt),
		k.Hidden, k.Gap.From, k.Gap.To, k.Gap.Lost, nanos(k.Gap.Found),
	} {
		dst = binary.LittleEndian.AppendUint64(dst, n)
	}
	dst = append(dst, make([]byte, recordSize-(len(dst)-start))...)
	binary.LittleEndian.PutUint32(dst[start:], crc32.ChecksumIEEE(dst[start+4:]))
	return dst
}

// parseRecord reads a record; one of zeros is that of no stream. It reports
// false if the record is damaged.
func parseRecord(b []byte) (string, known, bool) {
	length := int(b[4])
	if length == 0 && binary.LittleEndian.Uint32(b) == 0 {
		return "", known{}, true
	}
	if binary.LittleEndian.Uint32(b) != crc32.ChecksumIEEE(b[4:]) {
		return "", known{}, false
	}
	var n [recordNumbers]uint64
	for i := range n {
		n[i] = binary.LittleEndian.Uint64(b[5+length+8*i:])
	}
	return string(b[5 : 5+length]), known{
		First: n[0], Last: n[1], FirstAt: moment(n[2]), LastAt: moment(n[3]),
		Hidden: n[4], Gap: Gap{From: n[5], To: n[6], Lost: n[7], Found: moment(n[8])},
	}, true
}

// nanos and moment are a time as a number; the zero time is 0.
func nanos(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.UnixNano())
}

func moment(n uint64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(n)).UTC()
}
