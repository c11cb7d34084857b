package revision

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/buildqueue"
	"github.com/headway-dev/headway/reconciler/index"
)

// So many builds run at once, and the others wait for a slot. Who has one is said
// by the TaskRuns, and who waits by the reason WaitingForSlot of Revisions, so that
// a controller which starts again goes on as the one before. buildqueue has the
// order.

// claimLasts is for how long a slot is taken by a run that was just made, and is
// not in the cache yet.
const claimLasts = time.Minute

// slots are those that were given to runs which the cache may not show yet. The
// lock is held while one is given out, for the time that reading the cache takes.
type slots struct {
	lock    sync.Mutex
	claimed map[string]buildqueue.Build // by name of the run
}

// turn looks at the queue for a revision that would build, and claims a slot for
// it if it is its turn.
func (r *Reconciler) turn(ctx context.Context, seen Seen, now time.Time) (*Turn, error) {
	return r.place(ctx, seen, func(own buildqueue.Build) {
		if own.Since = now; r.slots.claimed == nil {
			r.slots.claimed = map[string]buildqueue.Build{}
		}
		r.slots.claimed[own.Name] = own
	}, now)
}

// looksAhead is turn without a claim.
func (r *Reconciler) looksAhead(ctx context.Context, seen Seen, now time.Time) (*Turn, error) {
	return r.place(ctx, seen, func(buildqueue.Build) {}, now)
}

func (r *Reconciler) place(ctx context.Context, seen Seen, take func(buildqueue.Build), now time.Time) (*Turn, error) {
	r.slots.lock.Lock()
	defer r.slots.lock.Unlock()
	q, err := r.queue(ctx, now)
	if err != nil {
		return nil, err
	}
	own := waitingBuild(seen.Revision, seen.Key)
	q.waiting = append(q.waiting, own)
	turn := q.turns()[own.Name]
	if turn.Starts {
		take(own)
	}
	return &turn, nil
}

// unclaim gives a slot back: its run was not made.
func (r *Reconciler) unclaim(run string) {
	r.slots.lock.Lock()
	defer r.slots.lock.Unlock()
	delete(r.slots.claimed, run)
}

// queue reads the queue from the cache. The lock of slots must be held.
func (r *Reconciler) queue(ctx context.Context, now time.Time) (queue, error) {
	q := queue{}
	var runs pipelines.TaskRunList
	if err := r.Client.List(ctx, &runs, client.InNamespace(r.BuildNamespace), client.UnsafeDisableDeepCopy); err != nil {
		return q, fmt.Errorf("listing build runs: %w", err)
	}
	shown := map[string]bool{}
	for i := range runs.Items {
		run := &runs.Items[i]
		if run.Labels[v1alpha1.LabelBuildKey] == "" { // it only cleans up
			continue
		}
		shown[run.Name] = true
		q.started = append(q.started, buildqueue.Build{
			Name: run.Name, Namespace: run.Labels[v1alpha1.LabelNamespace], Repository: run.Labels[v1alpha1.LabelRepository],
			Since: run.CreationTimestamp.Time, Ended: !holdsSlot(run),
		})
	}
	for name, claim := range r.slots.claimed {
		if shown[name] || now.Sub(claim.Since) > claimLasts {
			delete(r.slots.claimed, name)
		} else {
			q.started = append(q.started, claim)
		}
	}
	q.free = r.Slots
	for _, b := range q.started {
		if !b.Ended {
			q.free--
		}
	}
	waiting, err := r.waiting(ctx)
	buildsWaiting.Set(float64(len(waiting)))
	for i := range waiting {
		q.waiting = append(q.waiting, waitingBuild(&waiting[i], waiting[i].Status.Build.Key))
	}
	return q, err
}

// waiting are the Revisions that wait for a slot.
func (r *Reconciler) waiting(ctx context.Context) ([]v1alpha1.Revision, error) {
	var list v1alpha1.RevisionList
	if err := r.Client.List(ctx, &list, client.MatchingFields{index.RevisionWaits: index.ForSlot}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the revisions that wait for a build slot: %w", err)
	}
	var failed error
	return slices.DeleteFunc(list.Items, func(rev v1alpha1.Revision) bool {
		if rev.DeletionTimestamp != nil || rev.Status.Build == nil {
			return true
		}
		if rev.Spec.Preview == nil {
			return false
		}
		app, err := index.Lookup(ctx, r.Client, rev.Namespace, rev.Spec.App, &v1alpha1.App{})
		if err != nil {
			failed = err
		}
		return app != nil && app.DeletionTimestamp != nil // it will not be built
	}), failed
}

// holdsSlot reports whether a run counts: one that was cancelled, or is being
// deleted, gives its slot to the next at once.
func holdsSlot(run *pipelines.TaskRun) bool {
	return run.DeletionTimestamp == nil && !run.IsDone() && !run.IsCancelled()
}

// moved maps any event to the revisions in the queue that start now, or whose
// place is not what they say.
func (r *Reconciler) moved(ctx context.Context, _ client.Object) []reconcile.Request {
	r.slots.lock.Lock()
	defer r.slots.lock.Unlock()
	q, err := r.queue(ctx, time.Now())
	if err != nil { // a map function has nobody to return it to
		ctrllog.FromContext(ctx).Error(err, "cannot read the queue of builds for an event")
		return nil
	}
	waiting, _ := r.waiting(ctx)
	turns := q.turns()
	var result []reconcile.Request
	for i := range waiting {
		rev := &waiting[i]
		turn := turns[waitingBuild(rev, rev.Status.Build.Key).Name]
		if turn.Starts || turn.String() != condition.Get(rev.Status.Conditions, v1alpha1.ConditionBuilt).Message {
			result = append(result, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(rev)})
		}
	}
	return result
}

// slotFreed lets through a run that gives its slot back.
func slotFreed() predicate.Predicate {
	holds := func(o client.Object) bool { return holdsSlot(o.(*pipelines.TaskRun)) }
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool { return holds(e.ObjectOld) && !holds(e.ObjectNew) },
	}
}

// queueChanged lets through a Revision that begins or ends to wait for a slot.
func queueChanged() predicate.Predicate {
	waits := func(o client.Object) bool {
		return o.GetDeletionTimestamp() == nil && waitsForSlot(o.(*v1alpha1.Revision))
	}
	return predicate.Funcs{
		CreateFunc: func(event.CreateEvent) bool { return false },
		DeleteFunc: func(e event.DeleteEvent) bool { return waitsForSlot(e.Object.(*v1alpha1.Revision)) },
		UpdateFunc: func(e event.UpdateEvent) bool { return waits(e.ObjectOld) != waits(e.ObjectNew) },
	}
}
