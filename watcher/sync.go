package watcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/plan"
)

// sync looks at the remote, plans and applies. It fills in repo.Status; on an
// error the status is the caller's.
func (r *Reconciler) sync(ctx context.Context, repo *v1alpha1.Repository, memory *memory) error {
	started := r.now()
	secret, err := r.credentials(ctx, repo)
	if err != nil {
		return err
	}
	signers, err := r.signers(ctx, repo, memory)
	if err != nil {
		return err
	}
	session, err := r.git.Connect(ctx, repo.Spec.URL, secret)
	if err != nil {
		return err
	}
	l := &look{
		started: started, session: session, memory: memory, signers: signers, commits: map[string]*commit{}, again: map[string]bool{},
		open: func() (*git.Cache, error) { return r.openCache(repo) },
		read: func() { r.read(repo) },
	}
	defer l.close()
	if l.chosen, err = chooseRefs(session.Refs(), repo.Spec.ProductionBranch, repo.Spec.Refs); err != nil {
		return err
	}
	l.production, l.queues = session.Refs()[l.productionRef], repo.Spec.Forge != nil
	err = r.follow(ctx, repo, l)
	if errors.Is(err, git.ErrCorrupt) {
		r.log.Warn("git cache is fetched afresh", "namespace", repo.Namespace, "repository", repo.Name, "error", err)
		if err := l.reset(); err != nil {
			return err
		}
		err = r.follow(ctx, repo, l)
	}
	return err
}

// follow reads what the refs point at and makes the objects follow.
func (r *Reconciler) follow(ctx context.Context, repo *v1alpha1.Repository, l *look) error {
	f, err := r.observe(ctx, repo, l.memory)
	if err != nil {
		return err
	}
	l.sources = unbuiltSources(f.Revisions)
	l.known = map[string]bool{}
	for _, app := range f.Apps {
		l.known[app.Spec.Path] = true
	}
	l.recall(repo, f.Revisions)
	if err := l.readHeads(ctx, &f.Facts); err != nil {
		return err
	}
	if f.Foreign, err = r.observeForeign(ctx, repo); err != nil {
		return err
	}
	if err := r.readRequests(ctx, repo, l, &f); err != nil {
		return err
	}
	f.omitted = l.omitted
	if f.Pinned, err = l.readPinned(ctx, f.PinsToRead(), f.Unread); err != nil {
		return err
	}
	p, digests, err := r.planWithSources(ctx, l, &f)
	if err != nil {
		return err
	}
	l.rest()
	deleting, refused, err := r.apply(ctx, repo, l, f, p, digests)
	if err != nil {
		return err
	}
	f.omitted = append(f.omitted, refused...)
	if err := r.carryOut(ctx, repo, l, f, p); err != nil {
		return err
	}
	l.memory.sooner(l.soon)
	if err := r.restore(ctx, l, f.Revisions); err != nil {
		return err
	}
	synced(repo, f, p)
	l.noteSignatures(repo)
	needed := map[string]bool{l.production: true}
	for _, commit := range l.others {
		needed[commit] = true
	}
	for _, request := range f.Requests {
		needed[request.Commit] = true
	}
	for pin, s := range f.Pinned {
		needed[pin] = true
		if s != nil {
			needed[s.Commit] = true
		}
	}
	l.memory.keep(needed)
	if len(deleting) > 0 {
		waiting(repo, deleting)
		return errDeleting
	}
	return nil
}

// openCache opens the cache of a Repository for a look, and marks that it is being
// read. One that was being read when a process died is read alone.
func (r *Reconciler) openCache(repo *v1alpha1.Repository) (*git.Cache, error) {
	if err := r.marks.begin(repo.UID); err != nil {
		return nil, err
	}
	cache, err := r.git.OpenCache(r.cacheDir(repo))
	if err != nil {
		r.read(repo)
		return nil, err
	}
	_, cache.Alone = r.marks.suspect(repo.UID)
	return cache, nil
}

// read notes that a look has read what it had to.
func (r *Reconciler) read(repo *v1alpha1.Repository) {
	if err := r.marks.end(repo.UID); err != nil {
		r.log.Error("mark stays, so the repository will be read alone", "namespace", repo.Namespace, "repository", repo.Name, "error", err)
	}
}

// credentials reads the Secret; nil when none is named.
func (r *Reconciler) credentials(ctx context.Context, repo *v1alpha1.Repository) (map[string][]byte, error) {
	if repo.Spec.SecretRef == nil {
		return nil, nil
	}
	secret, err := r.secret(ctx, repo.Namespace, repo.Spec.SecretRef.Name, "spec.secretRef")
	switch {
	case err != nil:
		return nil, err
	case secret.Data == nil:
		return map[string][]byte{}, nil
	}
	return secret.Data, nil
}

// secret reads the Secret that a field of a Repository names.
func (r *Reconciler) secret(ctx context.Context, namespace, name, field string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := r.live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		return nil, &git.Error{Reason: v1alpha1.ReasonSecretInvalid,
			Message: fmt.Sprintf("there is no Secret %q in namespace %s; create it, or correct %s", name, namespace, field)}
	}
	if err != nil {
		return nil, fmt.Errorf("reading secret %s: %w", name, err)
	}
	return secret, nil
}

// seen is what a look finds: what a plan follows from, and what does not decide
// it.
type seen struct {
	plan.Facts
	// deleting are objects, such as "app shop", that an earlier Repository of the
	// same name has left behind, and that are being deleted.
	deleting map[string]bool
	// requests are what status.commit of the Apps asks for, by name.
	requests map[string]*v1alpha1.CommitRequest
	// forge is the state of the forge; nil where there is none.
	forge *condition.State
	// omitted says what of the remote was not looked at.
	omitted []*plan.Problem
}

// app finds an App or a preview; nil where there is none.
func (f *seen) app(name string) *v1alpha1.App {
	if app := f.Apps[name]; app != nil {
		return app
	}
	return f.Previews[name]
}

// observe reads the objects that a plan depends on. They come from the cache
// and must not be changed.
func (r *Reconciler) observe(ctx context.Context, repo *v1alpha1.Repository, memory *memory) (seen, error) {
	f := seen{deleting: map[string]bool{}, requests: map[string]*v1alpha1.CommitRequest{}, Facts: plan.Facts{
		Repository: repo.Name, Namespace: repo.Namespace, UID: string(repo.UID), Public: r.public, Now: r.now(),
		Previews: map[string]*v1alpha1.App{}, Read: map[string]bool{}}}
	for _, file := range repo.Status.Apps {
		f.Read[file.Path] = true
	}
	own := []client.ListOption{client.InNamespace(repo.Namespace), client.MatchingFields{indexRepository: repo.Name}, client.UnsafeDisableDeepCopy}
	var apps v1alpha1.AppList
	if err := r.client.List(ctx, &apps, own...); err != nil {
		return seen{}, fmt.Errorf("listing apps: %w", err)
	}
	all := map[string]*v1alpha1.App{}
	for i := range apps.Items {
		if app := &apps.Items[i]; ownedByOther(app, repo.UID) {
			f.deleting[named("app", app.Name)] = true
		} else {
			all[app.Name], f.requests[app.Name] = app, app.Status.Commit
		}
	}
	fresh(memory.apps, all, r.now())
	if err := r.observeEventing(ctx, repo, all, memory, &f); err != nil {
		return seen{}, err
	}
	f.Apps = maps.Clone(all)
	maps.DeleteFunc(f.Apps, func(name string, app *v1alpha1.App) bool {
		if app.Spec.Preview != nil {
			f.Previews[name] = app
		}
		return app.Spec.Preview != nil
	})
	var revisions v1alpha1.RevisionList
	if err := r.client.List(ctx, &revisions, own...); err != nil {
		return seen{}, fmt.Errorf("listing revisions: %w", err)
	}
	for i := range revisions.Items {
		if revisions.Items[i].DeletionTimestamp == nil {
			f.Revisions = append(f.Revisions, &revisions.Items[i])
		}
	}
	f.Revisions = slices.DeleteFunc(memory.freshRevisions(f.Revisions, r.now()), func(rev *v1alpha1.Revision) bool {
		app := all[rev.Spec.App]
		return app == nil || ownedByOther(rev, app.UID)
	})
	return f, nil
}

// observeForeign finds the Apps of other Repositories in the namespace: neither an
// app nor a preview may have the name of one.
func (r *Reconciler) observeForeign(ctx context.Context, repo *v1alpha1.Repository) (map[string]string, error) {
	var apps v1alpha1.AppList
	if err := r.client.List(ctx, &apps, client.InNamespace(repo.Namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the apps of the namespace: %w", err)
	}
	foreign := map[string]string{}
	for i := range apps.Items {
		if app := &apps.Items[i]; app.Spec.Repository != repo.Name {
			foreign[app.Name] = app.Spec.Repository
		}
	}
	return foreign, nil
}
