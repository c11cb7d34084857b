package evict

import (
	"cmp"
	"slices"
	"time"
)

// Limits bound build caches.
type Limits struct {
	// Folder is the most that the cache of one Repository takes, in bytes.
	Folder int64
	// Total is the most that all caches take, in bytes.
	Total int64
	// Age is for how long something stays that nobody uses.
	Age time.Duration
}

// inUse is how long ago something was used at least that goes: longer than a
// build may take, whose cache must not go from under it.
const inUse = time.Hour

// unit is what goes as a whole.
type unit struct {
	// folder of the cache, <namespace>/<name>, and path in it.
	folder, path string
	// size in bytes.
	size int64
	// used is when it was used last.
	used time.Time
}

// choose says what goes: what nobody has used for too long, then of each cache
// that is too large what was used the longest ago, then of all caches, if they
// are too large together.
func choose(units []unit, limits Limits, now time.Time) []unit {
	units = slices.Clone(units)
	slices.SortFunc(units, func(a, b unit) int {
		return cmp.Or(a.used.Compare(b.used), cmp.Compare(a.folder, b.folder), cmp.Compare(a.path, b.path))
	})
	var total int64
	folders := map[string]int64{}
	for _, u := range units {
		total += u.size
		folders[u.folder] += u.size
	}
	var gone []unit
	evict := func(goes func(unit) bool) {
		units = slices.DeleteFunc(units, func(u unit) bool {
			if now.Sub(u.used) < inUse || !goes(u) {
				return false
			}
			total -= u.size
			folders[u.folder] -= u.size
			gone = append(gone, u)
			return true
		})
	}
	evict(func(u unit) bool { return now.Sub(u.used) > limits.Age })
	evict(func(u unit) bool { return folders[u.folder] > limits.Folder })
	evict(func(unit) bool { return total > limits.Total })
	return gone
}
