// Package election has one of several replicas of a program act while the others
// stand by, ready to take over.
//
// It promises that a replica acts only while it holds the lease; that one which
// loses it by a stall of the API server, and is not succeeded, goes on with all that
// it knows once the API server is back; and that one which stops in order gives the
// lease back when its work has ended. It does not promise that nothing of a former
// leader is still under way: a write that was sent may arrive late. Whoever stands
// for election has to make such writes harmless.
package election

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	ctrl "sigs.k8s.io/controller-runtime"
	lease "sigs.k8s.io/controller-runtime/pkg/leaderelection"
)

// For how long nobody acts after the leader was killed: the lease from the last
// renewal that a follower has seen, and up to 1.1 s, the jittered retry period,
// until it looks again. A leader that stops in order gives the lease back at once.
// The price for each program is two writes a second to the API server, and about
// one read for each follower.
//
// The usual reason for a longer lease does not hold here: whoever loses it by a
// stall of the API server stands by, with all that it knows, and nobody could have
// acted meanwhile.
const (
	LeaseDuration = 3 * time.Second
	RenewDeadline = 2 * time.Second
	RetryPeriod   = 500 * time.Millisecond
)

// Lease is the object in the API server that the leader holds.
type Lease struct {
	// Name of it, which is that of the program.
	Name string
	// Namespace of it. Default: the one that the program's pod is in.
	Namespace string
	// Address of this replica for the others, which Leader.Address tells them.
	// Empty: they need none.
	Address string
}

// Elector stands for election, again and again. It is a manager.Runnable.
type Elector struct {
	name string
	lock lock
	lead func(context.Context)
	// once: who was succeeded stands no more.
	once bool
}

// New returns an elector that calls lead for each term. lead must return soon after
// its context ends; this replica does not stand again before. A nil lease has it
// lead without election.
func New(mgr ctrl.Manager, l *Lease, lead func(context.Context)) (*Elector, error) {
	e := &Elector{lead: lead}
	if l == nil {
		return e, nil
	}
	made, err := lease.NewResourceLock(mgr.GetConfig(), mgr, lease.Options{
		LeaderElection: true, LeaderElectionResourceLock: resourcelock.LeasesResourceLock,
		LeaderElectionNamespace: l.Namespace, LeaderElectionID: l.Name, RenewDeadline: RenewDeadline,
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the election: %w", err)
	}
	e.name, e.lock.Interface, e.lock.address = l.Name, made, l.Address
	return e, nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*Elector) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable.
func (e *Elector) Start(ctx context.Context) error {
	if e.lock.Interface == nil {
		e.lead(ctx)
		return nil
	}
	for ctx.Err() == nil {
		if err := e.stand(ctx); err != nil {
			return err
		}
	}
	e.release()
	return nil
}

// stand waits for the lease and leads while it holds it. It returns once this
// replica leads no more, and what it began has ended.
func (e *Elector) stand(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	e.lock.stand(func() {
		if e.once {
			cancel(errSucceeded)
		}
	})
	led := make(chan struct{})
	elected, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: &e.lock, Name: e.name,
		LeaseDuration: LeaseDuration, RenewDeadline: RenewDeadline, RetryPeriod: RetryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(ctx context.Context) {
				defer close(led)
				e.lead(ctx)
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("preparing the election: %w", err)
	}
	elected.Run(ctx)
	if e.lock.won() {
		<-led
	}
	if errors.Is(context.Cause(ctx), errSucceeded) {
		return errSucceeded
	}
	return nil
}

// release gives the lease back at the end. The elector's own release is not
// used, as it also comes after a stall of the API server, and waits for it.
// Whoever has not been succeeded by then had better go on leading at once.
func (e *Elector) release() {
	ctx, cancel := context.WithTimeout(context.Background(), RenewDeadline)
	defer cancel()
	record, _, err := e.lock.Get(ctx)
	if err == nil && record.HolderIdentity == e.lock.Identity() {
		now := metav1.Now()
		err = e.lock.Update(ctx, resourcelock.LeaderElectionRecord{
			LeaderTransitions: record.LeaderTransitions, LeaseDurationSeconds: 1, AcquireTime: now, RenewTime: now,
		})
	}
	if err != nil {
		slog.Warn("cannot give the lease back; the successor waits until it ends", "error", err)
	}
}
