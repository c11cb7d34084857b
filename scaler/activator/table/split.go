package table

import (
	"math/rand/v2"
	"slices"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/activator/backend"
)

// split is what a host leads to.
type split struct {
	namespace, app string
	revision       string // of a host that belongs to one revision
	targets        []target
	total          uint32  // of their weights
	rest           *target // without a salt; nil: none is
	// plain is true if nothing of a request but its host matters.
	plain   bool
	matches []match
	sticky  *v1alpha1.Sticky
	salted  []salted // the order in which users are asked for
	mirror  mirror
	ledger  *ledger
}

// target takes the draws below upTo that the targets before it do not take.
type target struct {
	upTo     uint32
	revision *backend.Revision
	timed    *buckets
	budget   *budget
}

// salted is a target that has users of its own: those whose bucket is below
// upTo and that the ones before it have not.
type salted struct {
	*target
	salt hash
	upTo uint32
}

// mirror is where copies go.
type mirror struct {
	revision *backend.Revision // nil: nowhere
	weight   uint32
}

// compileSplit leaves out targets whose revision does not exist: they take no
// requests, and the others share them.
func compileSplit(r Route, revisions map[Key]*backend.Revision, l *ledger) *split {
	s := &split{namespace: r.Namespace, app: r.App, matches: compileMatches(r, revisions), sticky: r.Sticky, ledger: l}
	var shares []Share
	for _, share := range r.Traffic {
		rev := revisions[Key{r.Namespace, share.Revision}]
		if rev == nil || share.Weight <= 0 {
			continue
		}
		s.total += uint32(share.Weight)
		t := target{upTo: s.total, revision: rev}
		if l != nil {
			if t.timed = l.rest; share.Salt != "" {
				account := l.accounts[share.account()]
				t.timed, t.budget = account.timed, account.budget
			}
		}
		shares, s.targets = append(shares, share), append(s.targets, t)
	}
	if m := r.Mirror; m != nil {
		s.mirror = mirror{revisions[Key{r.Namespace, m.Revision}], uint32(m.Weight)}
	}
	s.salt(r, shares)
	own := r.Sticky != nil && *r.Sticky == v1alpha1.Sticky{} // whose cookie is set even before there is a choice
	s.plain = len(s.targets) <= 1 && s.matches == nil && s.mirror.revision == nil && !own
	return s
}

// salt orders the targets for sticky users. Shares come before a candidate,
// whose salt is its own name: so their users stay while candidates come and go.
// Each gets as much of what those before it have left that its weight is its
// part of the whole.
func (s *split) salt(r Route, shares []Share) {
	order := make([]int, 0, len(shares))
	for i, share := range shares {
		if share.Salt != "" {
			order = append(order, i)
		} else if s.rest == nil {
			s.rest = &s.targets[i]
		}
	}
	candidate := func(i int) int {
		if shares[i].Salt == shares[i].Revision {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(order, func(a, b int) int { return candidate(a) - candidate(b) })
	left := s.total
	for _, i := range order {
		weight := uint32(shares[i].Weight)
		s.salted = append(s.salted, salted{
			target: &s.targets[i], salt: hashOffset.text(r.Namespace).text(r.App).text(shares[i].Salt),
			upTo: (v1alpha1.Whole*weight + left/2) / left,
		})
		left -= weight
	}
}

// only is the one revision of a split without a choice; nil if there is none.
func (s *split) only() *backend.Revision {
	if len(s.targets) == 0 {
		return nil
	}
	return s.targets[0].revision
}

// choose finds the revision for a request: of the first match that fits, of its
// user, or by a draw.
func (s *split) choose(m *Match, r Request) {
	if rev := matched(s.matches, r); rev != nil {
		m.Revision, m.Split = rev, false
		return
	}
	var key string
	key, m.Cookie = userKey(s.sticky, r)
	if len(s.targets) <= 1 {
		m.Revision = s.only()
	} else {
		m.Trial = true
		m.Revision, m.Place = s.place(key)
		m.Place.fresh = m.Cookie != ""
	}
	if to := s.mirror; to.revision != nil && to.revision != m.Revision && rand.Uint32N(v1alpha1.Whole) < to.weight {
		m.Mirror = to.revision
	}
}

// place finds the target for a user; for a request that tells of none, by a
// draw. Where a budget is spent, that is the target without a salt.
func (s *split) place(key string) (*backend.Revision, Place) {
	var p Place
	var t *target
	if key == "" || len(s.salted) == 0 {
		t = s.pick(s.ledger.bag.draw() * s.total / v1alpha1.Whole)
	} else {
		// Any hash of the key tells users apart; the first one is at hand.
		p.user, p.bucket, p.bad = true, s.salted[0].salt.text(key).bucket(), s.ledger.bad
		t = s.of(key, p.bucket)
	}
	if t.budget != nil {
		if t.budget.take() {
			p.budget = t.budget
		} else if s.rest != nil {
			t = s.rest
		}
	}
	p.timed = t.timed
	return t.revision, p
}

// of is the target that has a user; first is its bucket for the first one.
func (s *split) of(key string, first uint32) *target {
	for i := range s.salted {
		bucket := first
		if i > 0 {
			bucket = s.salted[i].salt.text(key).bucket()
		}
		if bucket < s.salted[i].upTo {
			return s.salted[i].target
		}
	}
	if s.rest != nil {
		return s.rest
	}
	return s.salted[len(s.salted)-1].target
}

// pick returns the target of a draw below the total. A Route has at most 32
// targets, and nearly always one or two.
func (s *split) pick(n uint32) *target {
	for i := range s.targets {
		if n < s.targets[i].upTo {
			return &s.targets[i]
		}
	}
	return &s.targets[len(s.targets)-1]
}
