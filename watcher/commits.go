package watcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/plan"
)

const (
	// maxTries is in how many looks a request is tried whose server cannot be
	// reached, or whose branch moves while it is carried out.
	maxTries = 5
	// lookAtOnce is the wait for a look at what was just pushed.
	lookAtOnce = time.Millisecond
)

// carryOut writes to git what App.status.commit asks for, and says in
// App.spec.committed how that went. It comes after everything else of a look, so
// that a server which takes no push delays nobody.
//
// A request is carried out once. What it has led to can be seen in git, so that a
// process which ends between the push and the write says the same at its next
// start. The error is one of the API or of the cache.
func (r *Reconciler) carryOut(ctx context.Context, repo *v1alpha1.Repository, l *look, f seen, p plan.Plan) error {
	l.memory.soon = 0
	for _, planned := range p.Apps {
		request := f.requests[planned.Name]
		if request == nil || answered(planned.Spec.Committed, request) {
			continue
		}
		w := &writing{look: l, app: planned.Name, request: request, revision: find(f.Revisions, request.Revision), now: r.now(),
			forge: func(ctx context.Context) (forge.Client, error) { return r.forges.Client(ctx, repo) }}
		err := w.do(ctx)
		if errors.Is(err, git.ErrCorrupt) || ctx.Err() != nil {
			return err
		}
		if passing(err) && l.memory.tryAgain(w.key()) {
			r.log.Warn("commit is tried again", "namespace", repo.Namespace, "app", planned.Name, "action", request.Action, "branch", request.Branch, "error", err)
			continue
		}
		delete(l.memory.tries, w.key())
		if failed := new(*unopened); errors.As(err, failed) && (*failed).pushed == nil {
			w.unopened, err = *failed, nil // the commit is on a branch of its own
		}
		if err == nil {
			l.memory.soon = lookAtOnce
		}
		planned.Spec.Committed = w.result(err)
		r.tellCommit(repo, w, planned.Spec.Committed)
		app, err := r.writeApp(ctx, repo, planned)
		switch {
		case err == nil:
			l.memory.apps[app.Name] = written[*v1alpha1.App]{app, r.now()}
		case !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err): // those were told when the plan was applied
			return err
		}
	}
	return nil
}

// tellCommit records what became of a request.
func (r *Reconciler) tellCommit(repo *v1alpha1.Repository, w *writing, result *v1alpha1.CommitResult) {
	if result.Problem != "" {
		r.log.Warn("commit is not made", "namespace", repo.Namespace, "app", w.app, "action", result.Action, "revision", result.Revision, "problem", result.Problem)
		r.events.Eventf(repo, nil, corev1.EventTypeWarning, "CommitNotMade", "Commit", "%s", condition.Note("app "+w.app+": "+result.Problem))
		return
	}
	r.log.Info("commit pushed", "namespace", repo.Namespace, "app", w.app, "action", result.Action, "revision", result.Revision, "commit", result.Commit, "branch", w.written())
	r.event(repo, "CommitPushed", fmt.Sprintf("app %s: %s is at %s%s", w.app, v1alpha1.ShortRef(w.written()), result.Commit, w.why()))
}

// answered reports whether a result is that of a request.
func answered(result *v1alpha1.CommitResult, request *v1alpha1.CommitRequest) bool {
	return result != nil && result.Action == request.Action && result.Revision == request.Revision
}

func find(revisions []*v1alpha1.Revision, name string) *v1alpha1.Revision {
	i := slices.IndexFunc(revisions, func(r *v1alpha1.Revision) bool { return r.Name == name })
	if i < 0 {
		return nil
	}
	return revisions[i]
}

// notMade is why a commit is not made although the remote takes it.
type notMade string

func (n notMade) Error() string { return string(n) }

// passing reports whether an error may be gone at the next look.
func passing(err error) bool {
	if failed := new(*unopened); errors.As(err, failed) {
		return (*failed).passes()
	}
	switch {
	case err == nil, errors.As(err, new(notMade)), errors.As(err, new(*plan.Problem)),
		errors.Is(err, errAbsent), errors.Is(err, git.ErrNotAdvertised), errors.Is(err, git.ErrNotCommit):
		return false
	case reasonOf(err) != "":
		return reasonOf(err) == v1alpha1.ReasonUnreachable || reasonOf(err) == git.ReasonMoved
	}
	return true // of the disk
}

// reasonOf is that of a *git.Error; "" of any other error.
func reasonOf(err error) string {
	var e *git.Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// tryAgain counts the tries of a request, and asks for a look soon.
func (m *memory) tryAgain(request string) bool {
	m.tries[request]++
	m.soon = backoff(m.tries[request], firstBackoff)
	return m.tries[request] < maxTries
}

// writing is one request that is carried out.
type writing struct {
	*look
	app     string
	request *v1alpha1.CommitRequest
	// revision that the request is about; nil where it is gone.
	revision *v1alpha1.Revision
	now      time.Time
	// forge gives the client of the Repository's forge; nil where it has none.
	forge func(context.Context) (forge.Client, error)
	// at is the commit that the branch is at when all went well.
	at string
	// instead is the branch that was pushed to because the server takes nothing
	// on the one asked for, which refused says.
	instead string
	refused error
	// url is that of the pull request from there; unopened why there is none.
	url      string
	unopened error
	// restored are the paths that a revert takes back, for git restore.
	restored []string
}

// key tells requests apart.
func (w *writing) key() string {
	return strings.Join([]string{w.app, string(w.request.Action), w.request.Revision}, "/")
}

// do carries the request out, by a pull request where the branch takes no push.
func (w *writing) do(ctx context.Context) error {
	err := w.push(ctx)
	if err == nil && w.instead == "" || err != nil && reasonOf(err) != git.ReasonRefused {
		return err
	}
	return w.propose(ctx, err)
}

// push pushes the commit that is asked for.
func (w *writing) push(ctx context.Context) error {
	head := w.session.Refs()[w.request.Branch]
	switch {
	case w.revision == nil:
		return notMade("revision " + w.request.Revision + " is gone, so nothing is known of its commit")
	case head == "":
		return notMade("the repository has no branch " + v1alpha1.ShortRef(w.request.Branch))
	case w.signers != nil && w.request.Action == v1alpha1.CommitRevert:
		return notMade("commits have to be signed (spec.verify), and Headway has no key to sign a revert with")
	}
	if err := w.openCache(); err != nil {
		return err
	}
	if err := w.cache.Hold(ctx); err != nil {
		return err
	}
	if w.request.Action == v1alpha1.CommitFastForward {
		return w.fastForward(ctx, head)
	}
	return w.revert(ctx, head)
}

// fastForward moves the branch, or finds that it has gone there before, and
// further since.
func (w *writing) fastForward(ctx context.Context, head string) error {
	w.at = w.request.Commit
	err := w.session.FastForward(ctx, w.cache, w.request.Branch, head, w.at)
	if reasonOf(err) != git.ReasonNotFastForward {
		return err
	}
	if gained, unread := w.cache.Gained(ctx, w.session, w.at, head); unread == nil && gained.Descends {
		return nil
	}
	return err
}
