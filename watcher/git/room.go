package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sync/semaphore"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git/intake"
)

// What reading takes of the memory that all Repositories share, in bytes. Whoever
// waits for some has none, so that nobody waits for ever; and nobody has some
// while it speaks to a remote, which takes as long as the remote likes.
const (
	// packMemory is what the process for a pack gets at first; few need more.
	packMemory = 32 << 20
	// readMemory is for the objects that are read from a cache that is open, and
	// indexMemory for each object in the indexes of its packs.
	readMemory  = 24 << 20
	indexMemory = 110
	// listMemory is for the files of commits, as long as there are not too many, and
	// fileMemory for each, beside its path.
	listMemory = 16 << 20
	fileMemory = 160
)

// room is the memory that all Repositories of a client share.
type room struct {
	free *semaphore.Weighted
	most int64
}

func newRoom(most int64) room { return room{semaphore.NewWeighted(most), most} }

// take waits for so much of it, or for all of it where that is less.
func (r room) take(ctx context.Context, n int64) (release func(), err error) {
	n = min(n, r.most)
	if err := r.free.Acquire(ctx, n); err != nil {
		return nil, fmt.Errorf("waiting for memory to read with: %w", err)
	}
	return func() { r.free.Release(n) }, nil
}

// Hold takes the memory to read with, and keeps it until Rest. Whatever reads
// objects has to hold; what fetches rests meanwhile and holds again.
func (c *Cache) Hold(ctx context.Context) error {
	if c.release != nil {
		return nil
	}
	objects, err := c.packed()
	if err != nil {
		return err
	}
	n := readMemory + listMemory + indexMemory*objects
	if c.large {
		n += fileMemory*int64(c.limits.Entries) + 2*c.limits.PathBytes
	}
	if c.Alone {
		n = c.room.most
	}
	c.release, err = c.room.take(ctx, n)
	return err
}

// Rest gives the memory back, and what was read has to be let go: Dropped is
// called.
func (c *Cache) Rest() {
	if c.release == nil {
		return
	}
	c.Close()
	if c.Dropped != nil {
		c.Dropped()
	}
}

// packed is how many objects there are in packs, by the sizes of their indexes.
func (c *Cache) packed() (int64, error) {
	indexes, err := filepath.Glob(filepath.Join(c.dir, "objects", "pack", "*.idx"))
	if err != nil {
		return 0, fmt.Errorf("measuring the git cache: %w", err)
	}
	var objects int64
	for _, index := range indexes {
		info, err := os.Stat(index)
		if err != nil {
			return 0, fmt.Errorf("measuring the git cache: %w", err)
		}
		objects += info.Size() / indexEntry
	}
	return objects, nil
}

// indexEntry is what an object takes in an index of version 2: its hash, checksum
// and offset.
const indexEntry = 20 + 4 + 4

// takeIn takes a pack into a repository on disk, in a process with as much memory
// as it needs.
func (c *Client) takeIn(ctx context.Context, dir, pack string, b intake.Bounds) (intake.Held, error) {
	ctx, cancel := context.WithTimeout(ctx, c.limits.FetchTimeout)
	defer cancel()
	for give := int64(packMemory); ; {
		release, err := c.room.take(ctx, intake.Weight(give))
		if err != nil {
			return intake.Held{}, err
		}
		taken, err := intake.Take(ctx, dir, pack, b, give)
		release()
		intakeBytes.Observe(float64(taken.Peak))
		if err != nil || taken.Taken {
			return taken.Held, notTaken(err)
		}
		give = taken.Need
	}
}

// bounds are those of a pack.
func (l Limits) bounds() intake.Bounds {
	b := intake.DefaultBounds()
	b.ObjectBytes = l.ObjectBytes
	return b
}

// notTaken gives the problem of a pack as an error that says whose it is.
func notTaken(err error) error {
	var p *intake.Problem
	if !errors.As(err, &p) {
		return err
	}
	switch p.Kind {
	case intake.TooLarge, intake.Died:
		return failure(v1alpha1.ReasonTooLarge, "%s", oneLine(p.Message))
	case intake.Incomplete:
		return fmt.Errorf("%w: %w", ErrCorrupt, p)
	case intake.Disk:
		return fmt.Errorf("storing a pack: %w", &fs.PathError{Op: "write", Path: "pack", Err: p.Errno})
	}
	return failure(v1alpha1.ReasonFetchFailed, "what the server sent is not what a git server sends: %s", oneLine(p.Message))
}
