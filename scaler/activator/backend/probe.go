package backend

import (
	"context"
	"time"

	"github.com/headway-dev/headway/api/health"
)

// Probes of one pod begin 5 ms apart, so that a request to a pod that has just
// come up waits no longer than that for nothing, and slow down to 20 ms while
// requests wait, and to one second for a pod that only refused a connection.
const (
	firstBackoff   = 5 * time.Millisecond
	waitedBackoff  = 20 * time.Millisecond
	longestBackoff = time.Second
)

// startProbes makes sure that every pod that could be opened by a probe, and
// should be, is probed. p.mu is held.
func (p *Pool) startProbes() {
	for _, pod := range p.pods {
		switch {
		case !p.wantsProbe(pod):
		case !pod.probing:
			pod.probing = true
			go p.probePod(pod)
		case p.queue.Len() > 0:
			pod.hurry()
		}
	}
	p.wakeNext()
}

// wantsProbe: a starting pod only interests those who wait, as the kubelet
// will report it anyway; a suspect one must be found well again by ourselves.
// Nothing listens in a parked one.
func (p *Pool) wantsProbe(pod *Pod) bool {
	return pod.state == suspect || (pod.state == starting && p.queue.Len() > 0 && !pod.asleep())
}

func (p *Pool) probePod(pod *Pod) {
	backoff := firstBackoff
	for {
		err := p.probe(p.ctx, pod.Addr)

		p.mu.Lock()
		if err == nil && p.wantsProbe(pod) {
			p.become(pod, open)
			p.dispatch()
		}
		if !p.wantsProbe(pod) {
			pod.probing = false
			p.mu.Unlock()
			return
		}
		backoff = min(backoff, p.backoffLimit())
		step := backoff
		if pod.justWoken(time.Now()) {
			step = wokenStep
		} else {
			backoff *= 2
		}
		p.mu.Unlock()

		select {
		case <-time.After(step):
		case <-pod.wake:
		case <-p.ctx.Done():
			return
		}
	}
}

// hurry ends a pause between two probes, as somebody waits now.
func (p *Pod) hurry() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *Pool) backoffLimit() time.Duration {
	if p.queue.Len() > 0 {
		return waitedBackoff
	}
	return longestBackoff
}

// probeOf asks by the path of a revision's health check; empty: the port.
func probeOf(path string) Probe {
	return func(ctx context.Context, addr string) error {
		return health.Check(ctx, "headway-activator", addr, path)
	}
}
