// Package cachelock keeps builds and who evicts from their caches apart. A build
// shares the lock of its cache, eviction has it alone. The kernel lets go of it
// when a process dies.
//
// It guards the caches that say so: those of Headway's template "go". It waits
// for nobody who does not take the lock.
package cachelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Name of the file in the folder of a cache.
const Name = ".lock"

// poll is the pause between two tries.
const poll = 50 * time.Millisecond

// Share waits until nobody has the lock of a cache alone, at the longest until
// ctx ends, and shares it until release is called. The file is made if need be.
func Share(ctx context.Context, file string) (release func(), err error) {
	lock, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the build cache: %w", err)
	}
	for {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = lock.Close() }, nil
		}
		if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOLCK) { // a volume without locks; nothing is evicted there
			return func() { _ = lock.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			_ = lock.Close()
			return nil, fmt.Errorf("locking the build cache: %w", err)
		}
		select {
		case <-ctx.Done():
			_ = lock.Close()
			return nil, fmt.Errorf("waiting for the build cache: %w", context.Cause(ctx))
		case <-time.After(poll):
		}
	}
}

// Alone takes the lock of an open file if nobody has it, until the file is
// closed.
func Alone(lock *os.File) (bool, error) {
	err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}
