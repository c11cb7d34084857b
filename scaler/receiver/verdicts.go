package receiver

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	// goodFor is how long a token that was found good needs no other review: an
	// activator whose stream ends comes back without one. A stream, once open,
	// lives longer.
	goodFor = 10 * time.Minute
	// badFor is how long a token that was found bad is refused without another
	// review. It is short, as what is wrong may be mended.
	badFor = 10 * time.Second
	// mostVerdicts are remembered of each kind.
	mostVerdicts = 1024
)

// verdicts are what the API server has said of tokens lately. They are kept by
// the hash of the token. Bad ones never take the place of good ones. The zero
// value is ready to use.
type verdicts struct {
	mu        sync.Mutex
	good, bad map[[sha256.Size]byte]verdict
}

type verdict struct {
	err   error
	until time.Time
}

// of returns the verdict on a token; false if there is none.
func (v *verdicts) of(token string, now time.Time) (err error, known bool) { //nolint:revive // the error is what is known
	key := sha256.Sum256([]byte(token))
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, kind := range []map[[sha256.Size]byte]verdict{v.good, v.bad} {
		if said, ok := kind[key]; ok && now.Before(said.until) {
			return said.err, true
		}
	}
	return nil, false
}

// add remembers a verdict: a good one until the token expires, at the latest.
func (v *verdicts) add(token string, err error, now, expires time.Time) {
	key := sha256.Sum256([]byte(token))
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil {
		v.bad = remember(v.bad, key, verdict{err, now.Add(badFor)}, now)
		return
	}
	until := now.Add(goodFor)
	if expires.Before(until) {
		until = expires
	}
	v.good = remember(v.good, key, verdict{nil, until}, now)
}

// remember adds to a map that is kept small: what has run out goes first, then
// any.
func remember(m map[[sha256.Size]byte]verdict, key [sha256.Size]byte, add verdict, now time.Time) map[[sha256.Size]byte]verdict {
	if m == nil {
		m = map[[sha256.Size]byte]verdict{}
	}
	if len(m) >= mostVerdicts {
		for old, said := range m {
			if !now.Before(said.until) {
				delete(m, old)
			}
		}
	}
	for old := range m {
		if len(m) < mostVerdicts {
			break
		}
		delete(m, old)
	}
	m[key] = add
	return m
}
