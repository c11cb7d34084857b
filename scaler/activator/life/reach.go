package life

import (
	"context"
	"errors"
	"time"

	"github.com/headway-dev/headway/scaler/activator/answer"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/peer"
)

// Reach has the request sent to a pod: as soon as one is free, and to another
// one if that takes no connection. If it fails, no pod has got all of it.
func (x *Exchange) Reach() error {
	if to := x.match.Mirror; to != nil {
		x.front.Mirror.Copy(to, x.codec.Copy)
	}
	if x.Lease, x.leased = x.Revision.TryAcquire(); !x.leased {
		if x.isCopy {
			return answer.ErrNoPod
		}
		if err := x.hold(x.Revision.Acquire); err != nil {
			return err
		}
	}
	for attempt := 1; ; attempt++ {
		if x.Next = (peer.Hop{}); x.Lease.Pod.Peer {
			if err := x.pause(x.hop.Delay()); err != nil {
				return err
			}
			x.Next = x.hop.Next(x.Revision)
		}
		x.Trace.Sent(x.Lease.Pod.Name, x.Lease.Pod.Peer)
		x.await()
		err := x.codec.Send()
		if !errors.Is(err, ErrUnreachable) || attempt == attempts {
			return err
		}
		x.awaited()
		x.leased = false
		x.Lease.Unreachable()
		x.Revision.Stats.Retried()
		if err := x.hold(x.Revision.Reacquire); err != nil {
			return err
		}
	}
}

// hold makes the request wait for a pod.
func (x *Exchange) hold(acquire func(context.Context) (backend.Lease, error)) error {
	ctx, release := x.codec.Hold()
	defer release()
	since := time.Now()
	cold := x.Trace.Recorded() && x.Revision.Load().Open == 0
	lease, err := acquire(ctx)
	for errors.Is(err, backend.ErrRerouted) {
		lease, err = x.elsewhere()(ctx)
	}
	if errors.Is(err, answer.ErrTimeout) {
		err = answer.ErrNoPod
	}
	x.Asked = time.Now()
	waited := x.Asked.Sub(since)
	x.waited += waited
	x.Revision.Stats.Waited(waited)
	x.Trace.Waited(since, cold, err)
	x.Lease, x.leased = lease, err == nil
	return err
}

// pause lets activators agree on a keeper while a request goes back and forth
// between them.
func (x *Exchange) pause(d time.Duration) error {
	if d == 0 {
		return nil
	}
	ctx, release := x.codec.Hold()
	defer release()
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Release ends the lease, once.
func (x *Exchange) Release() {
	if x.leased {
		x.Detach().Release()
	}
}

// Detach returns the lease, which somebody else releases from now on.
func (x *Exchange) Detach() backend.Lease {
	x.leased = false
	return x.Lease
}
