package eventing

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/headway-dev/headway/eventing/channel"
)

// removals remembers since when channels have no object, on disk: whether the
// object was deleted is not written anywhere else, and this process may be
// started again many times before the events go. It is safe for concurrent use.
type removals struct {
	kept note

	mu    sync.Mutex // also held while the file is written
	times map[string]time.Time
}

// openRemovals reads what was remembered, which need not be anything.
func openRemovals(kept note) (*removals, error) {
	r := &removals{kept: kept, times: map[string]time.Time{}}
	content, err := kept.read()
	if err == nil && len(content) > 0 {
		err = json.Unmarshal(content, &r.times)
	}
	if err != nil {
		return nil, fmt.Errorf("reading which channels were deleted: %w", err)
	}
	return r, nil
}

// note remembers that a channel has no object; the first time counts.
func (r *removals) note(name channel.Name, now time.Time) error {
	return r.change(func(times map[string]time.Time) bool {
		_, known := times[name.String()]
		if !known {
			times[name.String()] = now
		}
		return !known
	})
}

// forget is for a channel that has an object, or whose events are gone.
func (r *removals) forget(name channel.Name) error {
	return r.change(func(times map[string]time.Time) bool {
		_, known := times[name.String()]
		delete(times, name.String())
		return known
	})
}

// before reports whether a channel has had no object since before then.
func (r *removals) before(name channel.Name, then time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, known := r.times[name.String()]
	return known && at.Before(then)
}

// change writes what do changes; nothing has changed where that fails.
func (r *removals) change(do func(map[string]time.Time) bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	times := maps.Clone(r.times)
	if !do(times) {
		return nil
	}
	content, err := json.Marshal(times)
	if err == nil {
		err = r.kept.write(content)
	}
	if err != nil {
		return fmt.Errorf("noting which channels were deleted: %w", err)
	}
	r.times = times
	return nil
}

// replaceFile writes a file so that a crash leaves the old or the new one.
func replaceFile(path string, content []byte) error {
	file, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
