package artifact

import "io"

// Quota bounds what artifacts take of the disk, in bytes as they are there.
type Quota struct {
	// Total is for the artifacts of all Repositories.
	Total int64
	// Repository is for those of one Repository that wait for their builds.
	Repository int64
}

// DefaultQuota is 8 GiB in all, which beside as much for git caches fits the
// 20 GiB of the volume, and 2 GiB for a Repository, so that one alone does not
// keep the others from being built.
func DefaultQuota() Quota { return Quota{Total: 8 << 30, Repository: 2 << 30} }

// FullError says that there is no room for an artifact.
type FullError struct {
	// Total: it is the quota of the store that has none; else it is the room that
	// Add was given.
	Total bool
}

func (e *FullError) Error() string {
	if e.Total {
		return "there is no room for another artifact: the quota for all Repositories is used up"
	}
	return "there is no room for another artifact: the quota of the Repository is used up"
}

// meter lets through as many bytes as there is room for.
type meter struct {
	to      io.Writer
	store   *Store
	room    int64
	written int64
}

func (m *meter) Write(p []byte) (int, error) {
	n := int64(len(p))
	if m.written+n > m.room {
		return 0, &FullError{}
	}
	if !m.store.take(n) {
		return 0, &FullError{Total: true}
	}
	m.written += n
	return m.to.Write(p)
}
