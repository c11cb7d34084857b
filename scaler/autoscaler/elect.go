package autoscaler

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	ctrl "sigs.k8s.io/controller-runtime"
	lease "sigs.k8s.io/controller-runtime/pkg/leaderelection"
)

// leaseName is the Lease that the leader holds.
const leaseName = "headway-autoscaler"

// For how long nobody scales after the leader was killed: the lease from the
// last renewal that a follower has seen, and up to 1.1 s, the jittered retry
// period, until it looks again. A leader that stops in order gives the lease
// back at once. The price is two writes a second to the API server, and about
// one read for each follower.
//
// The usual reason for a longer lease does not hold here: whoever loses it by a
// stall of the API server stands by, with all that it knows, and nobody could
// have scaled meanwhile.
const (
	leaseDuration = 3 * time.Second
	renewDeadline = 2 * time.Second
	retryPeriod   = 500 * time.Millisecond
)

// Lease has one of several replicas scale; the others stand by.
type Lease struct {
	// Namespace of the Lease. Default: the one that the program's pod is in.
	Namespace string
}

// elector stands for election, again and again.
type elector struct {
	config leaderelection.LeaderElectionConfig
	leader leader
}

// newElector returns an elector; a nil Lease has it lead without election.
func newElector(mgr ctrl.Manager, l *Lease, who leader) (*elector, error) {
	e := &elector{leader: who}
	if l == nil {
		return e, nil
	}
	lock, err := lease.NewResourceLock(mgr.GetConfig(), mgr, lease.Options{
		LeaderElection: true, LeaderElectionResourceLock: resourcelock.LeasesResourceLock,
		LeaderElectionNamespace: l.Namespace, LeaderElectionID: leaseName, RenewDeadline: renewDeadline,
	})
	if err != nil {
		return nil, fmt.Errorf("preparing the election: %w", err)
	}
	e.config = leaderelection.LeaderElectionConfig{
		Lock: lock, Name: leaseName,
		LeaseDuration: leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
	}
	return e, nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*elector) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable.
func (e *elector) Start(ctx context.Context) error {
	if e.config.Lock == nil {
		e.leader.lead(ctx)
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

// release gives the lease back at the end. The elector's own release is not
// used, as it also comes after a stall of the API server, and waits for it.
// Whoever has not been succeeded by then had better go on leading at once.
func (e *elector) release() {
	ctx, cancel := context.WithTimeout(context.Background(), renewDeadline)
	defer cancel()
	record, _, err := e.config.Lock.Get(ctx)
	if err == nil && record.HolderIdentity == e.config.Lock.Identity() {
		now := metav1.Now()
		err = e.config.Lock.Update(ctx, resourcelock.LeaderElectionRecord{
			LeaderTransitions: record.LeaderTransitions, LeaseDurationSeconds: 1, AcquireTime: now, RenewTime: now,
		})
	}
	if err != nil {
		slog.Warn("cannot give the lease back; the successor waits until it ends", "error", err)
	}
}

// stand waits for the lease and leads while it holds it. It returns once this
// replica leads no more.
func (e *elector) stand(ctx context.Context) error {
	led, config := make(chan struct{}), e.config
	config.Callbacks = leaderelection.LeaderCallbacks{
		OnStartedLeading: func(ctx context.Context) {
			defer close(led)
			e.leader.lead(ctx)
		},
		OnStoppedLeading: func() { e.leader.leading.Store(false) },
	}
	elected, err := leaderelection.NewLeaderElector(config)
	if err != nil {
		return fmt.Errorf("preparing the election: %w", err)
	}
	elected.Run(ctx)
	if ctx.Err() == nil { // it was elected, then
		<-led
	}
	return nil
}
