package backend

import "time"

// Update tells the pool which pods there are. Pods that are missing have been
// deleted.
func (p *Pool) Update(endpoints []Endpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return
	}
	now := time.Now()
	present := make(map[string]bool, len(endpoints))
	for _, e := range endpoints {
		// A sandbox that was made again has another address: another pod.
		key := e.UID + " " + e.Addr
		present[key] = true
		pod := p.pods[key]
		if pod == nil {
			pod = &Pod{UID: e.UID, Name: e.Name, Addr: e.Addr, linger: p.linger, wake: make(chan struct{}, 1)}
			pod.Peer = e.Peer
			pod.foreign = p.foreign[e.UID]
			pod.inFlight = pod.foreign
			pod.reachable = now
			p.pods[key] = pod
		}
		if pod.park(e.Standby, now) {
			pod.everReady = false
			p.become(pod, starting)
		}
		next := pod.after(e)
		pod.everReady = pod.everReady || e.Ready
		p.become(pod, next)
	}
	for key, pod := range p.pods {
		if !present[key] {
			p.become(pod, gone)
			delete(p.pods, key)
		}
	}
	p.dispatch()
	p.turnAway()
	p.startProbes()
}

// become moves pod to its next state and keeps loads in step.
func (p *Pool) become(pod *Pod, next state) {
	if pod.state == next {
		return
	}
	if pod.state == open {
		p.loads.remove(pod)
	}
	pod.state = next
	if next == open {
		p.endColdStart(pod)
		pod.revive()
		p.loads.add(pod)
		return
	}
	pod.retire()
}

// Close ends all probes and answers all who wait with ErrClosed. Requests in
// flight go on.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancel()
	p.stopTimers()
	for key, pod := range p.pods {
		p.become(pod, gone)
		delete(p.pods, key)
	}
}
