package channel

import (
	"math"
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
	others  map[string]report
}

// report is how much room there is on the disk of another replica.
type report struct {
	free int64
	at   time.Time
}

// reportAge is how long a report counts. A replica that is gone needs no room.
const reportAge = 5 * time.Second

// told takes up how much room another replica has.
func (d *disk) told(replica string, free int64, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.others == nil {
		d.others = map[string]report{}
	}
	d.others[replica] = report{free, now}
}

// elsewhere is the least room that another replica has. Called with mu held.
func (d *disk) elsewhere(now time.Time) int64 {
	least := int64(math.MaxInt64)
	for _, r := range d.others {
		if now.Sub(r.at) < reportAge {
			least = min(least, r.free)
		}
	}
	return least
}

// room reports how much is free now, in bytes.
func (d *disk) room() (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// take reports whether there is room for n more bytes, and counts them. A disk
// that does not answer has room: then writing says what is wrong.
func (d *disk) take(n int, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Sub(d.checked) >= diskAge {
		free, err := d.room()
		if err != nil {
			return true
		}
		d.free, d.checked = min(free, d.elsewhere(now)), now
	}
	// A batch is written twice: where it waits for its end, and into the log.
	if d.free-2*int64(n) < d.low {
		return false
	}
	d.free -= 2 * int64(n)
	return true
}
