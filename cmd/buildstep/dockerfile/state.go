package dockerfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// states is how many builds of one repository can run at once, each with a
// cache of its own. The first free one is taken, so that builds which do not
// overlap share one warm cache.
const states = 4

// lockTimeout bounds the wait for a free state; the build's own time limit runs
// meanwhile.
const lockTimeout = 10 * time.Minute

var errAllBusy = fmt.Errorf("all %d build caches of this repository were in use for %s", states, lockTimeout)

// lockState takes one of the state folders below dir and returns it with the
// function that gives it back. The kernel gives it back when the process dies.
func lockState(ctx context.Context, dir string) (string, func(), error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", nil, fmt.Errorf("making build cache: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lockTimeout, errAllBusy)
	defer cancel()
	for {
		for i := range states {
			state := filepath.Join(dir, strconv.Itoa(i))
			lock, err := tryLock(state + ".lock")
			if err != nil {
				return "", nil, fmt.Errorf("locking build cache: %w", err)
			}
			if lock != nil {
				return state, func() { _ = lock.Close() }, nil
			}
		}
		select {
		case <-ctx.Done():
			return "", nil, context.Cause(ctx)
		case <-time.After(10 * poll):
		}
	}
}

// tryLock returns the locked file, or nil when somebody else holds it.
func tryLock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	_ = file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, err
}
