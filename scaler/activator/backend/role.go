package backend

import "errors"

// role of a pool among several activators. Only one of them, the keeper, may
// give out the pods of a revision with a limit, or the limit would hold for
// each of them and not for the pod.
//
//	role        requests                       becomes
//	keeping     get pods                       away when another activator is chosen
//	takingOver  wait                           keeping when no other activator keeps any more
//	away        are sent to the keeper         takingOver when this activator is chosen
type role uint8

const (
	keeping role = iota
	takingOver
	away
)

// errMoved tells a request that waits to look for the keeper again.
var errMoved = errors.New("another activator keeps the limit")

// share is the beginning where there may be other activators.
func (p *Pool) share() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.role = takingOver
}

// leave ends keeping. Requests in flight go on, and are told by held.
func (p *Pool) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.role = away
	p.sendAway(errMoved)
}

// takeOver makes requests wait until keep. It does nothing while keeping.
func (p *Pool) takeOver() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.role == away {
		p.role = takingOver
	}
}

// keep gives out pods, of which others still use foreign.
func (p *Pool) keep(foreign map[string]int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.role, p.foreign = keeping, foreign
	for _, pod := range p.pods {
		by := foreign[pod.UID] - pod.foreign
		pod.foreign += by
		if pod.state == open {
			p.loads.move(pod, by)
		} else {
			pod.inFlight += by
		}
	}
	p.dispatch()
	p.startProbes()
}

// held tells another activator whether this one may give out pods, and what it
// has in flight, by UID.
func (p *Pool) held() (mine bool, held map[string]int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	held = map[string]int{}
	for _, pod := range p.pods {
		if n := pod.inFlight - pod.foreign; n > 0 {
			held[pod.UID] += n
		}
	}
	return p.role != away, held
}
