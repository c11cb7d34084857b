package backend

import "github.com/headway-dev/headway/scaler/activator/list"

// loads orders the open pods of a pool by their requests in flight. Every
// operation takes constant time: bucket n lists the pods that have n
// requests in flight, and one request moves a pod by one bucket. Pods with
// equal load take turns.
//
// Guarded by Pool.mu.
type loads struct {
	buckets []list.List[*Pod]
	least   int // no bucket below it holds a pod
	size    int
}

// lightest returns the pod with the fewest requests in flight, nil if no pod
// is open.
func (l *loads) lightest() *Pod {
	if l.size == 0 {
		return nil
	}
	for l.buckets[l.least].Len() == 0 {
		l.least++
	}
	return l.buckets[l.least].First().Value
}

func (l *loads) add(p *Pod) {
	for len(l.buckets) <= p.inFlight {
		l.buckets = append(l.buckets, list.List[*Pod]{})
	}
	if l.size == 0 || p.inFlight < l.least {
		l.least = p.inFlight
	}
	p.place.Value = p
	l.buckets[p.inFlight].PushBack(&p.place)
	l.size++
}

func (l *loads) remove(p *Pod) {
	l.buckets[p.inFlight].Remove(&p.place)
	l.size--
}

// move changes the load of an open pod by +1 or -1.
func (l *loads) move(p *Pod, by int) {
	l.remove(p)
	p.inFlight += by
	l.add(p)
}
