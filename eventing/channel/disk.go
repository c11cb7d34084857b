package channel

import (
	"sync"
	"syscall"
	"time"
)

// diskAge is how long what the disk said of its free space holds, less what was
// written since.
const diskAge = 200 * time.Millisecond

// disk knows how much room there is. A server whose disk is full never answers
// again, so events are refused well before.
type disk struct {
	dir string
	low int64

	mu      sync.Mutex
	free    int64
	checked time.Time
}

// take reports whether there is room for n more bytes, and counts them. A disk
// that does not answer has room: then writing says what is wrong.
func (d *disk) take(n int, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Sub(d.checked) >= diskAge {
		var st syscall.Statfs_t
		if err := syscall.Statfs(d.dir, &st); err != nil {
			return true
		}
		d.free, d.checked = int64(st.Bavail)*int64(st.Bsize), now
	}
	// A batch is written twice: where it waits for its end, and into the log.
	if d.free-2*int64(n) < d.low {
		return false
	}
	d.free -= 2 * int64(n)
	return true
}
