//go:build e2e

package e2e

import (
	"fmt"
	"testing"
	"time"
)

// How long things may take on a busy machine with two cores. They are bounds
// against hanging, not measurements; test/bench measures.
const (
	moment    = 5 * time.Second  // an activator hears of a change
	soon      = 30 * time.Second // no build and no pod start involved
	built     = 4 * time.Minute  // a build with an empty cache
	cleanedUp = 3 * time.Minute  // garbage collection waits a minute itself
)

// eventually asks until check returns nil. The last error tells why it failed.
func eventually(t *testing.T, within time.Duration, what string, check func() error) {
	t.Helper()
	begin := time.Now()
	t.Logf("waiting: %s", what)
	for {
		err := check()
		if err == nil {
			t.Logf("   done: %s (%.1fs)", what, time.Since(begin).Seconds())
			return
		}
		if t.Context().Err() != nil || time.Since(begin) > within {
			t.Fatalf("not within %s: %s: %v", within, what, err)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// want is an error when got is not want.
func want[T comparable](name string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s is %v, want %v", name, got, want)
	}
	return nil
}
