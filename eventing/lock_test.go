package eventing

import (
	"context"
	"errors"
	"testing"
)

// TestLockFolder: one at a time; the next one waits.
func TestLockFolder(t *testing.T) {
	folder := t.TempDir()
	release, err := lockFolder(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := lockFolder(ended, folder); !errors.Is(err, context.Canceled) {
		t.Errorf("a second one got it, or another error: %v", err)
	}
	next := make(chan error, 1)
	go func() {
		release, err := lockFolder(t.Context(), folder)
		if err == nil {
			err = release()
		}
		next <- err
	}()
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if err := <-next; err != nil {
		t.Error(err)
	}
}
