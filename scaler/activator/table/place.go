package table

// Place is what a request that weights have sent to a revision has in the
// trial of its Route: the user that it counts for, and its part of a budget.
// The zero value has nothing.
type Place struct {
	// user is whether a key tells who it is; if not, each request is a unit of
	// its own, and bucket and bad mean nothing.
	user bool
	// fresh is a user who has got the activator's cookie with this request: a
	// unit of its own. A client that keeps no cookies is one with each request.
	fresh      bool
	bucket     uint32
	bad, timed *buckets

	budget *budget // nil: none, or given back
}

// Arrive says how the request counts: counted is false if its user has had a
// bad answer in this trial, timed is true if its time to the first byte counts.
// Call it once.
func (p *Place) Arrive() (counted, timed bool) {
	if !p.user {
		return true, true
	}
	counted = p.fresh || !p.bad.has(p.bucket)
	return counted, counted && (p.timed.add(p.bucket) || p.fresh)
}

// Settle gives the part of the budget back, with what the answer was. It may be
// called as soon as that is certain; later calls do nothing.
func (p *Place) Settle(bad bool) {
	if p.budget != nil {
		p.budget.give(bad)
		p.budget = nil
	}
}

// Leave ends the request, and reports whether its answer counts: a bad one only
// if it is the first of its user.
func (p *Place) Leave(bad bool) (counted bool) {
	p.Settle(bad)
	return !bad || !p.user || p.bad.add(p.bucket) || p.fresh
}
