package channel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// blockFiles are the files into which the server in this process writes the events of a
// stream: 1.blk, 2.blk and so on in one folder, appended to one after the other
// (nats-server 2.15.2, server/filestore.go). They are synced here, once for each group
// of events. Left to the server, that is once for each event, or six times for a
// batch, which is staged in files of its own.
//
// That the events are in these files is not taken on trust: they must have grown by
// what was written, else nothing is accepted. It belongs to the one goroutine that
// writes to a channel.
type blockFiles struct {
	dir    string
	newest *os.File // nil: there was none
	number int      // of newest; 0: there was none
	size   int64    // of newest, when it was looked at last
}

// open finds the newest file, unless it is known already. What is written from then on
// counts.
func (b *blockFiles) open() error {
	if b.newest != nil {
		return nil
	}
	numbers, err := b.numbers()
	if err != nil || len(numbers) == 0 {
		return err
	}
	b.number = slices.Max(numbers)
	if b.newest, err = os.Open(b.path(b.number)); err != nil {
		return err
	}
	b.size, err = sizeOf(b.newest)
	return err
}

// there reports whether newest still has its name: when all events have gone, their
// files have, too, and numbers may begin again.
func (b *blockFiles) there() bool {
	is, err := os.Stat(b.path(b.number))
	if err != nil {
		return false
	}
	was, err := b.newest.Stat()
	return err == nil && os.SameFile(is, was)
}

// numbers are those of all files.
func (b *blockFiles) numbers() (numbers []int, err error) {
	files, err := os.ReadDir(b.dir)
	for _, file := range files {
		name, is := strings.CutSuffix(file.Name(), ".blk")
		if number, err := strconv.Atoi(name); is && err == nil {
			numbers = append(numbers, number)
		}
	}
	return numbers, err
}

func (b *blockFiles) path(number int) string {
	return filepath.Join(b.dir, strconv.Itoa(number)+".blk")
}

// sync has what was written since open on disk: so many bytes at least, else it is an
// error.
func (b *blockFiles) sync(written int64) error {
	grown, added := int64(0), false
	for {
		if b.newest != nil {
			if err := b.newest.Sync(); err != nil {
				return err
			}
			size, err := sizeOf(b.newest)
			if err != nil {
				return err
			}
			grown, b.size = grown+size-b.size, size
		}
		next, err := os.Open(b.path(b.number + 1))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return err
		}
		number := b.number + 1
		b.close()
		b.newest, b.number, added = next, number, true
	}
	switch {
	case grown < written:
		return b.syncAll(written)
	case added:
		return syncFile(b.dir)
	}
	return nil
}

// syncAll is sync where the newest file has gone: there was none, or its events and
// all others have.
func (b *blockFiles) syncAll(written int64) error {
	vanished := b.newest == nil || !b.there()
	b.close()
	numbers, err := b.numbers()
	if err != nil {
		return err
	}
	total := int64(0)
	for _, number := range numbers {
		info, err := os.Stat(b.path(number))
		if err != nil {
			return err
		}
		if err := syncFile(b.path(number)); err != nil {
			return err
		}
		total += info.Size()
	}
	if !vanished || total < written {
		return fmt.Errorf("%d bytes of events were written, and are not in the newest file of %s", written, b.dir)
	}
	return syncFile(b.dir)
}

// settle has what the server has made for a new stream on disk, with the folders that
// lead there.
func (b *blockFiles) settle() error {
	stream := filepath.Dir(b.dir)
	err := filepath.WalkDir(stream, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && (entry.IsDir() || entry.Type().IsRegular()) {
			err = syncFile(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a file that lived for a moment
		}
		return err
	})
	for range 3 { // streams, the account, jetstream
		stream = filepath.Dir(stream)
		err = errors.Join(err, syncFile(stream))
	}
	return err
}

// close lets go of the newest file. It can be opened again.
func (b *blockFiles) close() {
	if b == nil {
		return
	}
	if b.newest != nil {
		_ = b.newest.Close() // it was only read
	}
	b.newest, b.number, b.size = nil, 0, 0
}

// syncFile has a file or a folder on disk.
func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

func sizeOf(file *os.File) (int64, error) {
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
