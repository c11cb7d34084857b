package watcher

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// How long a Repository waits that was being read when the process died, twice in
// a row or more often. After the first time it is read again at once, alone:
// processes die for reasons that have nothing to do with what they read.
const (
	firstQuarantine = time.Minute
	maxQuarantine   = time.Hour
)

// mark says that a Repository is being read. It lies on disk, and what finds one
// at its start knows that a process died meanwhile.
type mark struct {
	// Times that this happened in a row, and when the last reading began.
	Times int
	At    time.Time
}

// until is when the Repository may be read again.
func (m mark) until() time.Time {
	if m.Times < 2 {
		return time.Time{}
	}
	wait := firstQuarantine
	for i := 2; i < m.Times && wait < maxQuarantine; i++ {
		wait *= 2
	}
	return m.At.Add(min(wait, maxQuarantine))
}

// marks are those of all Repositories that are being read, and those that were
// found. Safe for concurrent use.
type marks struct {
	dir string
	now func() time.Time

	mu    sync.Mutex
	found map[types.UID]mark
}

// openMarks reads what an earlier process has left in dir, which need not exist.
// A mark that cannot be read counts as one of the first time.
func openMarks(dir string, now func() time.Time) (*marks, error) {
	m := &marks{dir: dir, now: now, found: map[types.UID]mark{}}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading which repositories were being read: %w", err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading which repositories were being read: %w", err)
		}
		left := mark{Times: 1}
		if json.Unmarshal(data, &left) != nil || left.Times < 1 {
			left = mark{Times: 1}
		}
		m.found[types.UID(e.Name())] = left
	}
	return m, nil
}

// suspect is the mark of a Repository that was being read when a process died,
// and has not been read to its end since.
func (m *marks) suspect(uid types.UID) (mark, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	left, found := m.found[uid]
	return left, found
}

// begin marks a Repository as being read.
func (m *marks) begin(uid types.UID) error {
	left, _ := m.suspect(uid)
	data, err := json.Marshal(mark{left.Times + 1, m.now()})
	if err != nil {
		return fmt.Errorf("marking a repository as being read: %w", err)
	}
	if err := errors.Join(os.MkdirAll(m.dir, 0o700), os.WriteFile(filepath.Join(m.dir, string(uid)), data, 0o600)); err != nil {
		return fmt.Errorf("marking a repository as being read: %w", err)
	}
	return nil
}

// end takes the mark away, of one that was found too: it was read to its end, or
// is gone.
func (m *marks) end(uid types.UID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.found, uid)
	if err := os.Remove(filepath.Join(m.dir, string(uid))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("taking away the mark of a repository: %w", err)
	}
	return nil
}
