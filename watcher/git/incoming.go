package git

import (
	"io"
	"os"

	"golang.org/x/sync/semaphore"

	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// smallPack is what every fetch may bring onto the disk; beyond that it takes
	// from what all share, so much at a time.
	smallPack = 32 << 20
	packStep  = 32 << 20
)

// incoming is a pack on its way in, in a temporary file. Nothing of it was looked
// at.
type incoming struct {
	*os.File
	size int64
	// room is the part of the disk that all fetches share, and taken what this one
	// has of it.
	room  *semaphore.Weighted
	taken int64
}

// receive makes a file for a pack of r. It does not wait for room on the disk:
// who has some may be waiting for more.
func (c *Client) receive(dir string, r io.Reader) (_ *incoming, err error) {
	file, err := os.CreateTemp(dir, tempPrefix)
	if err != nil {
		return nil, err
	}
	in := &incoming{File: file, room: c.disk}
	in.size, err = io.Copy(in, r)
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		in.remove()
		return nil, err
	}
	return in, nil
}

// Write takes room for what it writes.
func (in *incoming) Write(p []byte) (int, error) {
	in.size += int64(len(p))
	for in.size > smallPack+in.taken {
		if !in.room.TryAcquire(packStep) {
			return 0, failure(v1alpha1.ReasonWaitingForSlot, "waiting for room on the watcher's disk: other fetches have it; it is tried again by itself")
		}
		in.taken += packStep
	}
	return in.File.Write(p)
}

// ReadFrom hides that a file can copy by itself, which would pass Write by.
func (in *incoming) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{in}, r)
}

// remove gives the room back, and removes what is left: taking a pack in may have
// put it elsewhere.
func (in *incoming) remove() {
	_ = in.Close()
	_ = os.Remove(in.Name())
	in.room.Release(in.taken)
	in.taken = 0
}
