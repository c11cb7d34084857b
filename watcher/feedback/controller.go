package feedback

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
)

const (
	// maxActs is how many writes are made before what is wanted is worked out
	// anew: forges take one per second, and the world goes on meanwhile.
	maxActs = 10
	// againAfter is the wait after a refusal that names no time.
	againAfter = time.Minute
	// leaveOut is how long a write that the forge does not take is left out.
	leaveOut = 10 * time.Minute
)

// Forges gives the client of a Repository's forge; nil where it has none.
type Forges interface {
	Client(ctx context.Context, repo *v1alpha1.Repository) (forge.Client, error)
}

// Reconciler tells the forge of one Repository at a time.
type Reconciler struct {
	client client.Reader
	forges Forges
	// index finds Apps and Revisions of a Repository by its name.
	index string
	log   *slog.Logger
	now   func() time.Time

	mu       sync.Mutex
	memories map[types.NamespacedName]*remembered
}

// remembered is the memory of a Repository, which another one of the same name does
// not share.
type remembered struct {
	uid types.UID
	*memory
}

// Reconcile writes what differs, and says when there may be more to write.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	repo := &v1alpha1.Repository{}
	if err := r.client.Get(ctx, req.NamespacedName, repo); err != nil {
		r.forget(req.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if repo.Spec.Forge == nil {
		r.forget(req.NamespacedName)
		return ctrl.Result{}, nil
	}
	if repo.Spec.Suspend && repo.DeletionTimestamp == nil {
		return ctrl.Result{}, nil
	}
	facts, err := r.facts(ctx, repo)
	if err != nil {
		return ctrl.Result{}, err
	}
	m := r.memoryOf(repo)
	wanted, open := Render(facts), stillOpen(facts)
	if repo.DeletionTimestamp != nil { // its Apps are about to go with it
		wanted, open = Wanted{}, nil
	}
	m.notice(wanted)
	c, err := r.forges.Client(ctx, repo)
	switch {
	case err != nil:
		return r.refused(repo, err)
	case c == nil:
		return ctrl.Result{}, nil
	}
	if err := m.read(ctx, c, wanted, r.now()); err != nil {
		return r.refused(repo, err)
	}
	return r.write(ctx, repo, c, m, wanted, open)
}

// facts are read from caches.
func (r *Reconciler) facts(ctx context.Context, repo *v1alpha1.Repository) (Facts, error) {
	var apps v1alpha1.AppList
	var revisions v1alpha1.RevisionList
	for _, list := range []client.ObjectList{&apps, &revisions} {
		err := r.client.List(ctx, list, client.InNamespace(repo.Namespace), client.MatchingFields{r.index: repo.Name}, client.UnsafeDisableDeepCopy)
		if err != nil {
			return Facts{}, fmt.Errorf("listing what is made from %s: %w", repo.Name, err)
		}
	}
	return Facts{Repository: repo, Apps: apps.Items, Revisions: revisions.Items}, nil
}

// stillOpen are the numbers of the requests that are open, or have a preview that
// is not gone yet.
func stillOpen(f Facts) map[int64]bool {
	open := map[int64]bool{}
	for i := range f.Repository.Status.Requests {
		open[f.Repository.Status.Requests[i].Number] = true
	}
	for i := range f.Apps {
		if p := f.Apps[i].Spec.Preview; p != nil {
			open[p.Request] = true
		}
	}
	return open
}

// write carries out what is due, the most urgent first. A refusal of the forge ends
// it, one of a single write does not.
func (r *Reconciler) write(ctx context.Context, repo *v1alpha1.Repository, c forge.Client, m *memory, wanted Wanted, open map[int64]bool) (ctrl.Result, error) {
	acts, skipped := m.due(wanted, open, r.now())
	for i, a := range acts {
		if i == maxActs {
			return ctrl.Result{RequeueAfter: time.Millisecond}, nil
		}
		err := m.do(ctx, c, a)
		count(a, err)
		switch {
		case err == nil:
			r.log.Debug("forge is told", "namespace", repo.Namespace, "repository", repo.Name, "what", a.key())
		case ctx.Err() != nil, refusesAll(err):
			return r.refused(repo, err)
		default:
			m.leaveOut(a, r.now())
			r.log.Warn("forge does not take what it is told", "namespace", repo.Namespace, "repository", repo.Name, "what", a.key(), "error", err)
		}
	}
	if !skipped.IsZero() {
		return ctrl.Result{RequeueAfter: max(skipped.Sub(r.now()), time.Second)}, nil
	}
	if len(m.refused) > 0 {
		return ctrl.Result{RequeueAfter: leaveOut}, nil
	}
	return ctrl.Result{}, nil
}

// refused waits until the forge may be asked again. What is wanted by then is
// worked out anew, so that of all that changes meanwhile the newest is told.
func (r *Reconciler) refused(repo *v1alpha1.Repository, err error) (ctrl.Result, error) {
	var e *forge.Error
	if !errors.As(err, &e) {
		return ctrl.Result{}, err // of the Kubernetes API, or the process ends
	}
	refusals.Inc()
	r.log.Debug("forge cannot be told", "namespace", repo.Namespace, "repository", repo.Name, "reason", e.Reason, "error", e)
	return ctrl.Result{RequeueAfter: cmp.Or(e.RetryAfter, againAfter)}, nil
}

// refusesAll reports whether the forge would refuse whatever else it is told.
func refusesAll(err error) bool {
	var e *forge.Error
	if !errors.As(err, &e) {
		return true
	}
	switch e.Reason {
	case v1alpha1.ReasonUnreachable, v1alpha1.ReasonAuthenticationFailed, v1alpha1.ReasonSecretInvalid,
		v1alpha1.ReasonRateLimited, v1alpha1.ReasonForgeUnknown:
		return true
	}
	return e.RetryAfter > 0
}

func (r *Reconciler) memoryOf(repo *v1alpha1.Repository) *memory {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := client.ObjectKeyFromObject(repo)
	if m := r.memories[name]; m == nil || m.uid != repo.UID {
		r.memories[name] = &remembered{repo.UID, newMemory()}
	}
	return r.memories[name].memory
}

func (r *Reconciler) forget(name types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.memories, name)
}
