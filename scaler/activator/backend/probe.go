package backend

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"
)

// Probes of one pod begin 5 ms apart, so that a request to a pod that has just
// come up waits no longer than that for nothing, and slow down to 20 ms while
// requests wait, and to one second for a pod that only refused a connection.
const (
	firstBackoff   = 5 * time.Millisecond
	waitedBackoff  = 20 * time.Millisecond
	longestBackoff = time.Second

	// A connection to a pod of the same cluster takes less than a
	// millisecond. A packet lost while the pod's network comes up would
	// otherwise cost the kernel's one second until the next try.
	probeDialTimeout = 100 * time.Millisecond
	probeTimeout     = time.Second
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
		case p.queue.size > 0:
			pod.hurry()
		}
	}
	p.wakeNext()
}

// wantsProbe: a starting pod only interests those who wait, as the kubelet
// will report it anyway; a suspect one must be found well again by ourselves.
// Nothing listens in a parked one.
func (p *Pool) wantsProbe(pod *Pod) bool {
	return pod.state == suspect || (pod.state == starting && p.queue.size > 0 && !pod.asleep())
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
	if p.queue.size > 0 {
		return waitedBackoff
	}
	return longestBackoff
}

// TCPProbe is answered when the port accepts a connection.
func TCPProbe(ctx context.Context, addr string) error {
	d := net.Dialer{Timeout: probeDialTimeout}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("connecting to %s: %w", addr, err)
	}
	return conn.Close()
}

// HTTPProbe is answered when GET path returns 2xx or 3xx within a second.
func HTTPProbe(path string) Probe {
	client := &http.Client{
		Timeout: probeTimeout,
		Transport: &http.Transport{
			DialContext:       (&net.Dialer{Timeout: probeDialTimeout}).DialContext,
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context, addr string) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
		if err != nil {
			return fmt.Errorf("making the health request: %w", err)
		}
		req.Header.Set("User-Agent", "headway-activator")
		resp, err := client.Do(req)
		if err != nil {
			return fmt.Errorf("asking %s: %w", path, err)
		}
		resp.Body.Close()
		if resp.StatusCode < 200 || resp.StatusCode >= 400 {
			return fmt.Errorf("%s answers %s", path, resp.Status)
		}
		return nil
	}
}
