package git

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
)

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestFetchesShareTheDisk: a fetch that finds no room ends and leaves nothing; a
// small one always finds some.
func TestFetchesShareTheDisk(t *testing.T) {
	limits := DefaultLimits()
	limits.IncomingBytes = 2 * packStep
	c := NewClient(limits)
	dir := t.TempDir()
	large, err := c.receive(dir, io.LimitReader(endless{}, smallPack+packStep+1))
	if err != nil {
		t.Fatal(err)
	}
	small, err := c.receive(dir, io.LimitReader(endless{}, smallPack))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.receive(dir, io.LimitReader(endless{}, smallPack+1)); AsError(err).Reason != v1alpha1.ReasonWaitingForSlot {
		t.Errorf("with no room left: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
	large.remove()
	again, err := c.receive(dir, io.LimitReader(endless{}, smallPack+2*packStep))
	if err != nil {
		t.Errorf("with room again: %v", err)
	} else {
		again.remove()
	}
	if info, err := os.Stat(small.Name()); err != nil || info.Size() != smallPack || small.size != smallPack {
		t.Errorf("the small one has %v, %v", info, err)
	}
}
