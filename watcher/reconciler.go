package watcher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/artifact"
	"github.com/headway-dev/headway/watcher/git"
)

const (
	// firstBackoff and maxBackoff bound the wait after failures in a row.
	firstBackoff = 2 * time.Second
	maxBackoff   = 5 * time.Minute
	// deletingRetry is the wait for an older object to be gone.
	deletingRetry = time.Second
)

// Reconciler looks at one Repository's remote and makes the objects follow.
type Reconciler struct {
	client client.Client
	// live reads past the cache: credentials, which are not kept in memory.
	live      client.Reader
	git       *git.Client
	artifacts *artifact.Store
	// artifactLimits bound the source of one app.
	artifactLimits artifact.Limits
	// quota bounds all of them.
	quota  artifact.Quota
	forges forges
	// public is how the outside reaches apps.
	public address.Public
	events events.EventRecorder
	log    *slog.Logger
	now    func() time.Time
	// gitDir holds one cache per Repository, named by its UID.
	gitDir   string
	memories memories
	turns    *turns
	marks    *marks
}

// Reconcile looks once and says when to look again.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	repo := &v1alpha1.Repository{}
	if err := r.client.Get(ctx, req.NamespacedName, repo); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if repo.DeletionTimestamp != nil {
		return ctrl.Result{}, r.cleanUp(ctx, repo)
	}
	if controllerutil.AddFinalizer(repo, v1alpha1.FinalizerCleanup) {
		if err := r.client.Update(ctx, repo); err != nil {
			return ctrl.Result{}, fmt.Errorf("adding the finalizer: %w", err)
		}
	}
	before := repo.DeepCopy()
	if repo.Spec.Suspend {
		begin(repo)
		suspended(repo)
		r.turns.forget(repo.UID)
		return ctrl.Result{}, r.writeStatus(ctx, before, repo)
	}
	if len(before.Status.Conditions) == 0 {
		fetching(repo)
		if err := r.writeStatus(ctx, before, repo); err != nil {
			return ctrl.Result{}, err
		}
		before = repo.DeepCopy()
	}
	memory := r.memories.of(repo.UID)
	if until := r.quarantine(repo); !until.IsZero() {
		return ctrl.Result{RequeueAfter: until.Sub(r.now())}, r.writeStatus(ctx, before, repo)
	}
	end := r.turns.take(claimOf(repo, memory.failures))
	if end == nil {
		if message := r.turns.waiting(repo.UID); message != "" {
			set(repo, v1alpha1.ConditionReady, condition.Unknown(v1alpha1.ReasonWaitingForSlot, message))
		}
		return ctrl.Result{RequeueAfter: jitter(turnAgain)}, r.writeStatus(ctx, before, repo)
	}
	defer end()
	begin(repo)
	if before.Status.LastHandledSync != repo.Status.LastHandledSync {
		memory.failures = 0
		r.forges.Forget(repo.UID)
	}
	started := r.now()
	err := r.sync(ctx, repo, memory)
	if err != nil && ctx.Err() != nil {
		return ctrl.Result{}, nil // the process stops; nothing is to be said of the remote
	}
	observeSync(err, r.now().Sub(started))
	return r.finish(ctx, before, repo, memory, err)
}

// finish writes what came of a look and says when to look again.
func (r *Reconciler) finish(ctx context.Context, before, repo *v1alpha1.Repository, memory *memory, err error) (ctrl.Result, error) {
	interval := repo.Spec.Interval.Duration
	switch {
	case errors.Is(err, errDeleting):
		memory.failures = 0
	case err != nil && isAPIError(err):
		return ctrl.Result{}, err // of the Kubernetes API: retried by the queue
	case err != nil:
		memory.failures++
		failed(repo, git.AsError(err))
		r.log.Warn("repository cannot be read", "namespace", repo.Namespace, "repository", repo.Name, "failures", memory.failures, "error", err)
		interval = backoff(memory.failures, interval)
	default:
		memory.failures = 0
		if memory.soon > 0 {
			interval = min(interval, memory.soon)
		}
	}
	r.tell(before, repo)
	if err := r.writeStatus(ctx, before, repo); err != nil {
		return ctrl.Result{}, err
	}
	if errors.Is(err, errDeleting) {
		return ctrl.Result{RequeueAfter: deletingRetry}, nil
	}
	return ctrl.Result{RequeueAfter: jitter(interval)}, nil
}

// quarantine says so where a Repository was being read when the watcher died, more
// than once, and when it may be read again.
func (r *Reconciler) quarantine(repo *v1alpha1.Repository) (until time.Time) {
	left, found := r.marks.suspect(repo.UID)
	if !found || !r.now().Before(left.until()) {
		return time.Time{}
	}
	until = left.until()
	set(repo, v1alpha1.ConditionReady, condition.False(v1alpha1.ReasonQuarantined, fmt.Sprintf(
		"the watcher died %d times in a row while it read this repository; it reads it again, and nothing else meanwhile, at %s. What is in it goes on running. Take out what may be too large (git log --stat), or tell whoever runs the cluster",
		left.Times, until.UTC().Format(time.RFC3339))))
	return until
}

// isAPIError tells a passing failure of the Kubernetes API from one of the
// remote. An object that the API refuses is neither: it is refused again, and
// has to be told.
func isAPIError(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err)
}

// cleanUp removes what the watcher keeps on disk and in memory. Apps and
// Revisions go by their owner references.
func (r *Reconciler) cleanUp(ctx context.Context, repo *v1alpha1.Repository) error {
	if err := os.RemoveAll(r.cacheDir(repo)); err != nil {
		return fmt.Errorf("removing the git cache: %w", err)
	}
	if err := r.marks.end(repo.UID); err != nil {
		return err
	}
	r.memories.forget(repo.UID)
	r.turns.forget(repo.UID)
	r.forges.Forget(repo.UID)
	if !controllerutil.RemoveFinalizer(repo, v1alpha1.FinalizerCleanup) {
		return nil
	}
	if err := r.client.Update(ctx, repo); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("removing the finalizer: %w", err)
	}
	return nil
}

func (r *Reconciler) cacheDir(repo *v1alpha1.Repository) string {
	return filepath.Join(r.gitDir, string(repo.UID))
}

// writeStatus patches the status when it has changed.
func (r *Reconciler) writeStatus(ctx context.Context, before, repo *v1alpha1.Repository) error {
	if equality.Semantic.DeepEqual(before.Status, repo.Status) {
		return nil
	}
	// The patch replaces repo by the answer.
	if err := r.client.Status().Patch(ctx, repo, client.MergeFrom(before), apply.Watcher); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("writing the status: %w", err)
	}
	return nil
}

// backoff doubles with every failure, from the interval (at least 2 s) up to
// five minutes.
func backoff(failures int, interval time.Duration) time.Duration {
	wait := max(interval, firstBackoff)
	for i := 1; i < failures && wait < maxBackoff; i++ {
		wait *= 2
	}
	return max(min(wait, maxBackoff), interval)
}

// jitter adds up to 10%, so that Repositories do not look in step.
func jitter(d time.Duration) time.Duration {
	return d + rand.N(d/10+1)
}

// event records something that went well.
func (r *Reconciler) event(repo *v1alpha1.Repository, reason, note string) {
	r.events.Eventf(repo, nil, corev1.EventTypeNormal, reason, "Sync", "%s", condition.Note(note))
}

// tell records events for what has changed in the status.
func (r *Reconciler) tell(before, repo *v1alpha1.Repository) {
	for _, c := range changes(before, repo) {
		r.events.Eventf(repo, nil, c.kind, c.reason, "Sync", "%s", condition.Note(c.note))
	}
}
