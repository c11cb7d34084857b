package git

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// diskFailure gives an error of the disk at hand as an *Error, which no remote
// is to blame for; nil where err is none. Errors of the network are not of these
// types.
func diskFailure(err error) *Error {
	var path *fs.PathError
	var link *os.LinkError
	if !errors.As(err, &path) && !errors.As(err, &link) {
		return nil
	}
	const stays = "apps keep running, and it is tried again by itself"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return failure(v1alpha1.ReasonDiskFailed, "the disk of Headway's watcher is full; whoever runs the cluster has to make its volume \"data\" larger; %s", stays).because(err)
	case errors.Is(err, syscall.EROFS):
		return failure(v1alpha1.ReasonDiskFailed, "the disk of Headway's watcher is read-only; whoever runs the cluster has to look after its volume \"data\" and its node; %s", stays).because(err)
	}
	return failure(v1alpha1.ReasonDiskFailed, "the disk of Headway's watcher cannot be used; whoever runs the cluster has to look after its volume \"data\"; %s", stays).because(err)
}
