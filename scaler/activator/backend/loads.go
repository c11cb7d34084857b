package backend

// loads orders the open pods of a pool by their requests in flight. Every
// operation takes constant time: bucket n is a ring of the pods that have n
// requests in flight, and one request moves a pod by one bucket. Pods with
// equal load take turns.
//
// Guarded by Pool.mu.
type loads struct {
	buckets []ring
	least   int // no bucket below it holds a pod
	size    int
}

// ring is a doubly linked list of pods with its two ends.
type ring struct {
	first, last *Pod
}

// lightest returns the pod with the fewest requests in flight, nil if no pod
// is open.
func (l *loads) lightest() *Pod {
	if l.size == 0 {
		return nil
	}
	for l.buckets[l.least].first == nil {
		l.least++
	}
	return l.buckets[l.least].first
}

func (l *loads) add(p *Pod) {
	for len(l.buckets) <= p.inFlight {
		l.buckets = append(l.buckets, ring{})
	}
	if l.size == 0 || p.inFlight < l.least {
		l.least = p.inFlight
	}
	l.buckets[p.inFlight].push(p)
	l.size++
}

func (l *loads) remove(p *Pod) {
	l.buckets[p.inFlight].unlink(p)
	l.size--
}

// move changes the load of an open pod by +1 or -1.
func (l *loads) move(p *Pod, by int) {
	l.remove(p)
	p.inFlight += by
	l.add(p)
}

func (r *ring) push(p *Pod) {
	p.next, p.prev = nil, r.last
	if r.last == nil {
		r.first = p
	} else {
		r.last.next = p
	}
	r.last = p
}

func (r *ring) unlink(p *Pod) {
	if p.prev == nil {
		r.first = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		r.last = p.prev
	} else {
		p.next.prev = p.prev
	}
	p.next, p.prev = nil, nil
}
