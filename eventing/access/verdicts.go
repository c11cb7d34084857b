package access

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxVerdicts is how many tokens of each kind, valid and not, are remembered: about
// 200 bytes each.
const maxVerdicts = 8192

// digest stands for a token and an audience. Tokens themselves are not kept.
type digest [sha256.Size]byte

func digestOf(token, audience string) digest {
	hash := sha256.New()
	hash.Write([]byte(audience))
	hash.Write([]byte{0})
	hash.Write([]byte(token))
	return digest(hash.Sum(nil))
}

// verdict is what a review has said.
type verdict struct {
	// user is whose the token is; "" if it is not valid.
	user  string
	until time.Time
}

// verdicts are those of the last reviews. What is not valid has a place of its own:
// made-up tokens push out no valid one. Safe for concurrent use.
type verdicts struct {
	mu           sync.Mutex
	valid, wrong map[digest]verdict
}

func newVerdicts() *verdicts {
	return &verdicts{valid: map[digest]verdict{}, wrong: map[digest]verdict{}}
}

// find is what is remembered of a token.
func (v *verdicts) find(d digest, now time.Time) (verdict, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, m := range []map[digest]verdict{v.valid, v.wrong} {
		if known, ok := m[d]; ok && now.Before(known.until) {
			return known, true
		}
	}
	return verdict{}, false
}

// keep remembers a verdict.
func (v *verdicts) keep(d digest, of verdict, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	m := v.valid
	if of.user == "" {
		m = v.wrong
	}
	if len(m) >= maxVerdicts {
		makeRoom(m, now)
	}
	m[d] = of
}

// makeRoom takes out what is over, and then any until an eighth is free, so that
// this happens rarely.
func makeRoom(m map[digest]verdict, now time.Time) {
	for d, known := range m {
		if !now.Before(known.until) {
			delete(m, d)
		}
	}
	for d := range m {
		if len(m) <= maxVerdicts-maxVerdicts/8 {
			return
		}
		delete(m, d)
	}
}
