package channel

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A start believes most blocks, as they were checked when they were full, and all are
// checked again while events are accepted and delivered. What is found then:
//
//	one event cannot be read     State.Gap has it, as when somebody reads it
//	nothing that follows can be  the store fails, and the next start reads everything
//
// Until that check has come to its end, a file says so: the next start reads
// everything, whatever ended this one. So a block that keeps the server from starting,
// or from answering, does so once.

const (
	// checkPause is how often full blocks are looked for.
	checkPause = 10 * time.Second
	// checkShare is how much longer than a block took the check waits before the next
	// one: it has a quarter of a processor and of a disk.
	checkShare = 3
	// checkTries is how often a block is read before it counts as damaged: the server
	// may be writing it anew without its deleted part.
	checkTries, checkAgain = 3, 100 * time.Millisecond
)

func uncheckedPath(dir string) string { return filepath.Join(dir, "unchecked") }

// believe writes indexes for the server that is about to start, unless the check of
// the one before has not come to its end, and reports whether it did.
func believe(dir string, log *slog.Logger) (bool, error) {
	_, err := os.Stat(uncheckedPath(dir))
	if err == nil {
		return false, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	folders, err := streamFolders(dir)
	if err != nil {
		return false, err
	}
	for stream, folder := range folders {
		if _, ok := parseStreamName(stream); !ok {
			continue
		}
		if err := reindex(folder); err != nil {
			log.Info("a channel is read as a whole", "stream", stream, "err", err)
		}
	}
	return true, os.WriteFile(uncheckedPath(dir), nil, 0o600)
}

// checker checks the blocks of a store on the disk of this process.
type checker struct {
	store    *Store
	dir      string
	believed bool
	stop     chan struct{}
	done     sync.WaitGroup
	through  chan struct{} // closed when all blocks were looked at once
}

// startChecker begins; nil has nothing to check.
func startChecker(s *Store) *checker {
	a, ok := s.server.mode.(*alone)
	if !ok {
		return nil
	}
	k := &checker{store: s, dir: a.opts.Dir, believed: a.believed, stop: make(chan struct{}), through: make(chan struct{})}
	k.done.Go(k.run)
	return k
}

func (k *checker) close() {
	if k != nil {
		close(k.stop)
		k.done.Wait()
	}
}

func (k *checker) run() {
	for first := true; ; first = false {
		err := k.round(first)
		if k.pause(0) { // closed: not all was looked at
			return
		}
		if err == nil && first {
			err = removeOptional(uncheckedPath(k.dir))
		}
		if err != nil {
			k.store.opts.Log.Error("checking the blocks of channels", "err", err)
		}
		if first {
			close(k.through)
		}
		if k.pause(checkPause) {
			return
		}
	}
}

// pause reports whether the store is being closed.
func (k *checker) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-k.stop:
		return true
	default:
	}
	select {
	case <-timer.C:
		return false
	case <-k.stop:
		return true
	}
}

// round checks and notes the full blocks of all channels, the noted ones again only if
// all is to be checked.
func (k *checker) round(all bool) error {
	var errs []error
	for _, name := range k.store.Names() {
		c, ok := k.store.Channel(name)
		if !ok {
			continue
		}
		if err := k.channel(c, all); err != nil && !c.ended() {
			errs = append(errs, fmt.Errorf("channel %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func (k *checker) channel(c *Channel, all bool) error {
	folder := filepath.Join(k.dir, "jetstream", "$G", "streams", c.stream)
	files, err := listBlocks(folder)
	if err != nil {
		return err
	}
	noted, err := readChecked(folder)
	if err != nil {
		return err
	}
	var blocks []block
	fresh := 0
	for _, f := range files[:max(len(files)-1, 0)] {
		b, ok := noted[f.index]
		if !ok || b.size != f.size || all {
			began := time.Now()
			b, err = k.block(c, folder, f.index)
			if errors.Is(err, fs.ErrNotExist) {
				continue // its events have grown old
			}
			if err != nil {
				return err
			}
			if k.pause(checkShare * time.Since(began)) {
				return ErrClosed
			}
			fresh++
		}
		blocks = append(blocks, b)
	}
	if fresh == 0 {
		return nil
	}
	k.store.making.Lock() // so that nothing is noted of a channel of the same name
	defer k.store.making.Unlock()
	if c.ended() {
		return nil
	}
	return noteChecked(folder, blocks)
}

// block checks one block and says what is damaged.
func (k *checker) block(c *Channel, folder string, index uint32) (b block, err error) {
	var damaged []uint64
	for try := 1; ; try++ {
		b, damaged, err = scanFile(folder, index)
		if err == nil && len(damaged) == 0 || errors.Is(err, fs.ErrNotExist) || try == checkTries {
			break
		}
		if k.pause(checkAgain) {
			return b, ErrClosed
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	if err == nil {
		for _, number := range damaged {
			c.missing(number, number)
		}
		return b, nil
	}
	err = fmt.Errorf("block %d, after event %d: %w", index, b.last, err)
	if e := os.WriteFile(uncheckedPath(k.dir), nil, 0o600); e != nil {
		return b, errors.Join(err, e)
	}
	if k.believed { // else the server has just read it and come to terms with it
		k.store.fail(fmt.Errorf("channel %s has a damaged block, which the next start mends: %w", c.name, err))
	}
	return b, err
}
