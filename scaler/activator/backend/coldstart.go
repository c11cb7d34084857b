package backend

import "time"

// A cold start is the time from a request that begins to wait, as no pod of the
// revision is up, until the first pod answers. One that all requests gave up
// waiting for is none.

// beginColdStart notes that a request begins to wait. Pods that were open and
// are unwell do not make it a cold start.
func (p *Pool) beginColdStart() {
	for _, pod := range p.pods {
		if pod.state != starting && pod.state != gone {
			return
		}
	}
	p.cold = time.Now()
}

// forgetColdStart is called when requests have gone.
func (p *Pool) forgetColdStart() {
	if p.queue.Len() == 0 {
		p.cold = time.Time{}
	}
}

// endColdStart is called when pod becomes open.
func (p *Pool) endColdStart(pod *Pod) {
	if p.cold.IsZero() {
		return
	}
	now, reachable := time.Now(), pod.reachable
	if reachable.Before(p.cold) {
		reachable = p.cold
	}
	if p.hooks.Started != nil {
		p.hooks.Started(pod.parking != nil, reachable.Sub(p.cold), now.Sub(reachable))
	}
	p.cold = time.Time{}
}
