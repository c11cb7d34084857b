package autoscaler

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/scaler/decide"
	"github.com/headway-dev/headway/scaler/report"
)

// Reports is what the activators say; a *report.Server in production.
type Reports interface {
	Reports(report.Key) []decide.Report
	PodLoads(report.Key) map[string]int
}

// Reconciler scales revisions.
type Reconciler struct {
	// Client reads from the cache.
	Client client.Client
	// Live reads past the cache: the pods of Deployments are needed only when
	// some go.
	Live    client.Reader
	Reports Reports
	// Waker may be nil: then no parked pod is woken.
	Waker Waker
	// Now is the clock.
	Now func() time.Time

	leading atomic.Bool
	term    atomic.Int64 // counts the times that this replica was elected
	tracker tracker
}

// Reconcile decides about one revision and, on the leader, acts.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	v, err := r.observe(ctx, req.NamespacedName)
	if err != nil {
		return ctrl.Result{}, err
	}
	if v == nil {
		if r.tracker.forget(req.NamespacedName) {
			unmeasure(req.NamespacedName)
		}
		return ctrl.Result{}, nil
	}
	m, now := r.tracker.get(req.NamespacedName), r.Now()
	v.count(m, now)
	v.seen.Coming = r.tracker.coming(req.NamespacedName, v.app, now)
	var d decide.Decision
	d, m.state = decide.Decide(v.spec, v.seen, m.state, now)
	r.tracker.tell(req.NamespacedName, d, now)
	measure(req.NamespacedName, v, d)

	wait := time.Duration(0)
	if r.leading.Load() {
		wait, err = r.act(ctx, v, m, d, now)
		if err = errors.Join(err, r.maintain(ctx, v, m), r.carry(ctx, v, d)); err != nil {
			return ctrl.Result{}, err
		}
	}
	for _, at := range []time.Time{d.Next, v.standby.next} {
		if next := at.Sub(now); !at.IsZero() && (wait == 0 || next < wait) {
			wait = next
		}
	}
	return ctrl.Result{RequeueAfter: wait}, nil
}

// act brings the number of pods to the decision, and says when to look again
// if that takes time.
//
//	wanted   action
//	more     end the drain, wake parked pods, scale for the rest
//	as many  end the drain
//	none     take all away: nothing is in flight
//	fewer    take pods out of traffic; take them away once they are empty, or
//	         have had their time
func (r *Reconciler) act(ctx context.Context, v *view, m *memory, d decide.Decision, now time.Time) (time.Duration, error) {
	have, want := v.seen.Replicas, d.Replicas
	if m.drain.term != r.term.Load() { // its pods were put back when this term began
		m.drain = drain{}
	}
	if want >= have && m.drain.running() {
		if err := r.endDrain(ctx, v, m); err != nil {
			return 0, err
		}
	}
	switch {
	case want == have:
		return 0, nil
	case want > have:
		return 0, r.grow(ctx, v, m, d)
	case want == 0:
		return 0, r.shrink(ctx, v, m, d, v.standby.woken)
	}
	return r.drainTo(ctx, v, m, d, now)
}

func nameOf(object client.Object) types.NamespacedName { return client.ObjectKeyFromObject(object) }
