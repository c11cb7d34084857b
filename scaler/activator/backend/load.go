package backend

import "time"

// Load is a look at a pool.
type Load struct {
	// Open pods, requests in flight and requests that wait.
	Open, InFlight, Queued int
	// Arrived is the number of requests that have come so far.
	Arrived uint64
	// Busy is the time that requests have spent here so far, waiting or in
	// flight, those that have not ended included.
	Busy time.Duration
}

// Load returns the present numbers.
func (p *Pool) Load() Load {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Load{
		Open: p.loads.size, InFlight: p.inFlight, Queued: p.queue.Len(),
		Arrived: p.meter.arrivals, Busy: p.meter.busy(p.inFlight + p.queue.Len()),
	}
}

// PodLoad is a pod with requests in flight.
type PodLoad struct {
	Name     string
	InFlight int
}

// PodLoads returns the pods that have requests in flight, in no order.
func (p *Pool) PodLoads() []PodLoad {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []PodLoad
	for _, pod := range p.pods {
		if n := pod.inFlight - pod.foreign; n > 0 {
			out = append(out, PodLoad{Name: pod.Name, InFlight: n})
		}
	}
	return out
}
