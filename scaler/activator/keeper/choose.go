// Package keeper agrees with the other activators on which of them gives out
// the pods of a revision with a limit, so that the limit holds for the pod
// however many activators there are.
//
// Every activator chooses the keeper of a revision by the same rule from the
// same list of activators, without talking. The one that is chosen gives out
// pods only when every other activator that lives has said that it does not,
// and counts what those still have in flight. Until then requests wait. So a
// limit is not exceeded while activators come and go, and their lists differ
// for a moment.
//
// Revisions without a limit need none of this, and take one hop.
package keeper

import (
	"hash/fnv"

	"github.com/headway-dev/headway/scaler/activator/table"
)

// Member is an activator that lives.
type Member struct {
	// Name of its pod, and the IP.
	Name, IP string
	// Ready and not draining: it may be chosen.
	Ready bool
}

// Serving are the names of those that take requests.
func Serving(members []Member) (names []string) {
	for _, m := range members {
		if m.Ready {
			names = append(names, m.Name)
		}
	}
	return names
}

// Choose returns the keeper of a revision: the member with the highest hash of
// both names (rendezvous hashing), so that a change of the list only moves the
// revisions of the member that came or went. Without a member that is ready it
// is self.
func Choose(members []Member, self string, key table.Key) Member {
	best, bestScore := Member{Name: self}, uint64(0)
	for _, m := range members {
		if !m.Ready {
			continue
		}
		h := fnv.New64a()
		for _, s := range []string{m.Name, key.Namespace, key.Name} {
			_, _ = h.Write([]byte(s)) // never fails
			_, _ = h.Write([]byte{0})
		}
		if score := mix(h.Sum64()); bestScore == 0 || score > bestScore || (score == bestScore && m.Name < best.Name) {
			best, bestScore = m, score
		}
	}
	return best
}

// mix spreads the bits of FNV, whose high ones hardly differ for names that
// differ at the end (finalizer of MurmurHash3).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return (h ^ h>>33) | 1
}
