package backend

// waiter is a request that waits for a pod.
type waiter struct {
	granted    chan *Pod // capacity 1; written at most once, under Pool.mu; nil: see why
	why        error     // there will be no pod
	prev, next *waiter
	queued     bool
}

// queue holds waiters in the order of their arrival. A waiter in the middle
// leaves in constant time. Guarded by Pool.mu.
type queue struct {
	first, last *waiter
	size        int
}

func (q *queue) pushBack(w *waiter) {
	w.prev, w.next = q.last, nil
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
	w.queued = true
	q.size++
}

// pushFront is for a request that had its turn already and whose pod turned
// out to be unreachable.
func (q *queue) pushFront(w *waiter) {
	w.prev, w.next = nil, q.first
	if q.first == nil {
		q.last = w
	} else {
		q.first.prev = w
	}
	q.first = w
	w.queued = true
	q.size++
}

func (q *queue) remove(w *waiter) {
	if !w.queued {
		return
	}
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next, w.queued = nil, nil, false
	q.size--
}
