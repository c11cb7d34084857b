package git

import (
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
)

func TestDiskIsToldFromTheRemote(t *testing.T) {
	write := func(err error) error {
		return fmt.Errorf("creating a file for the pack: %w", &fs.PathError{Op: "open", Path: "/data/git/x", Err: err})
	}
	tests := map[string]struct {
		err          error
		reason, text string
	}{
		"full":       {write(syscall.ENOSPC), v1alpha1.ReasonDiskFailed, "is full"},
		"over quota": {write(syscall.EDQUOT), v1alpha1.ReasonDiskFailed, "is full"},
		"read-only":  {write(syscall.EROFS), v1alpha1.ReasonDiskFailed, "is read-only"},
		"broken":     {write(syscall.EIO), v1alpha1.ReasonDiskFailed, "cannot be used"},
		"full at the end": {fmt.Errorf("storing a pack: %w", &os.LinkError{Op: "rename", Old: "a", New: "b", Err: syscall.ENOSPC}),
			v1alpha1.ReasonDiskFailed, "is full"},
		"not the disk": {&net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
			v1alpha1.ReasonUnreachable, "cannot be reached"},
	}
	for name, test := range tests {
		for from, err := range map[string]error{"a fetch": classify(test.err, "git.example.com", DefaultLimits()), "the cache": test.err} {
			if test.reason != v1alpha1.ReasonDiskFailed && from == "the cache" {
				continue // the cache does not speak to the network
			}
			e := AsError(err)
			if e.Reason != test.reason || !strings.Contains(e.Error(), test.text) || strings.Contains(e.Error(), "not that of a git server") {
				t.Errorf("%s of %s: %s: %v", name, from, e.Reason, e)
			}
		}
	}
}
