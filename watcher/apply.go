package watcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/plan"
	"github.com/headway-dev/headway/watcher/specfile"
)

// errDeleting: an object with the name of a new one is still being deleted.
var errDeleting = errors.New("an older object with this name is still being deleted")

// apply makes the objects of a plan. digests are those of the Revisions'
// sources, which are stored before. The order matters: an App names a Revision
// before it exists, so that a Revision never looks like one that nobody wants.
//
// An object that fails does not keep the others from being applied: deleting are
// those whose name is still taken by what is being deleted, refused says which
// ones are not taken.
func (r *Reconciler) apply(ctx context.Context, repo *v1alpha1.Repository, l *look, f seen, p plan.Plan, digests map[string]string) (deleting []string, refused []*plan.Problem, err error) {
	var failed []error
	note := func(what string, err error) {
		var taken *plan.Problem
		switch {
		case err == nil:
		case errors.Is(err, errDeleting):
			deleting = append(deleting, what)
		case errors.As(err, &taken):
			r.log.Warn("object is refused", "namespace", repo.Namespace, "object", what, "error", err)
			refused = append(refused, plan.NewProblem(taken.Reason, "%s is not followed: %s", what, taken.Message))
		case apierrors.IsInvalid(err), apierrors.IsForbidden(err):
			r.log.Warn("object is refused", "namespace", repo.Namespace, "object", what, "error", err)
			refused = append(refused, plan.NewProblem(v1alpha1.ReasonRefused, "%s is not followed, the API server refuses it: %v", what, err))
		default:
			failed = append(failed, err)
		}
	}
	unmade := map[string]bool{} // Apps that have not got all that is theirs
	r.applyEventing(ctx, l, f, ofRepository(repo), p.Channels, p.Sources, nil, note)
	for _, planned := range slices.Concat(p.Apps, p.Previews) {
		app, err := r.applyApp(ctx, repo, l, f, planned, digests)
		if errors.Is(err, errDeleting) && planned.Spec.Preview != nil {
			l.soon = settleLook // its teardown may take a while
			continue
		}
		noteOf := func(what string, err error) {
			unmade[planned.Name] = unmade[planned.Name] || err != nil
			note(what, err)
		}
		noteOf(named("app", planned.Name), err)
		if err != nil {
			continue
		}
		r.applyEventing(ctx, l, f, ofApp(repo, app), planned.Channels, planned.Sources, planned.Subscriptions, noteOf)
	}
	p.Withhold(f.Eventing, unmade)
	failed = append(failed, r.pruneEventing(ctx, repo, l, f, p)...)
	for _, gone := range p.Remove {
		name := gone.App
		app := &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: repo.Namespace, Name: name}}
		err := r.client.Delete(ctx, app, client.Preconditions{UID: ptr.To(f.app(name).UID)})
		if client.IgnoreNotFound(err) != nil {
			failed = append(failed, fmt.Errorf("deleting app %s: %w", name, err))
			continue
		}
		delete(l.memory.apps, name)
		r.log.Info("app deleted", "namespace", repo.Namespace, "app", name)
		r.event(repo, "AppRemoved", fmt.Sprintf("app %s: %s", name, gone.Why))
	}
	return deleting, refused, errors.Join(failed...)
}

// applyApp makes an App and its Revisions, and gives the App as it is then.
func (r *Reconciler) applyApp(ctx context.Context, repo *v1alpha1.Repository, l *look, f seen, planned plan.App, digests map[string]string) (*v1alpha1.App, error) {
	prior := f.app(planned.Name)
	if f.deleting[named("app", planned.Name)] || prior != nil && prior.DeletionTimestamp != nil {
		return nil, fmt.Errorf("app %s: %w", planned.Name, errDeleting)
	}
	app := prior
	if prior == nil || !equality.Semantic.DeepEqual(prior.Spec, planned.Spec) {
		var err error
		if app, err = r.writeApp(ctx, repo, planned); err != nil {
			return nil, err
		}
		l.memory.apps[app.Name] = written[*v1alpha1.App]{app, r.now()}
	}
	for _, n := range planned.Revisions {
		rev := revisionObject(repo, app, n, digests[n.Name], l.memory.signed.at(n.Ref, n.Snapshot.Commit))
		if err := r.createRevision(ctx, rev); err != nil {
			return nil, err
		}
		l.memory.revisions[rev.Name] = written[*v1alpha1.Revision]{rev, r.now()}
		revisionsMade.Inc()
		r.log.Info("revision made", "namespace", repo.Namespace, "repository", repo.Name, "revision", rev.Name, "ref", n.Ref, "commit", rev.Spec.Commit, "took", r.now().Sub(l.started))
		r.event(repo, "RevisionMade", fmt.Sprintf("revision %s from %s: %s", rev.Name, v1alpha1.ShortRef(n.Ref), rev.Spec.Subject))
	}
	return app, nil
}

// writeApp applies the App and gives it as the API server has it.
func (r *Reconciler) writeApp(ctx context.Context, repo *v1alpha1.Repository, planned plan.App) (*v1alpha1.App, error) {
	app := &v1alpha1.App{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "App"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       repo.Namespace,
			Name:            planned.Name,
			Labels:          labels(repo, planned.Name),
			OwnerReferences: []metav1.OwnerReference{ownedBy("Repository", repo)},
		},
		Spec: planned.Spec,
	}
	if err := apply.Object(ctx, r.client, apply.Watcher, app); err != nil {
		return nil, err
	}
	return app, nil
}

// createRevision creates a Revision, or finds that it was created before.
func (r *Reconciler) createRevision(ctx context.Context, rev *v1alpha1.Revision) error {
	err := r.client.Create(ctx, rev, apply.Watcher)
	if err == nil {
		return nil
	}
	if !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating revision %s: %w", rev.Name, err)
	}
	existing := &v1alpha1.Revision{}
	if err := r.live.Get(ctx, client.ObjectKeyFromObject(rev), existing); err != nil {
		return fmt.Errorf("reading revision %s: %w", rev.Name, err)
	}
	if existing.DeletionTimestamp != nil || existing.Spec.Commit != rev.Spec.Commit || ownedByOther(existing, rev.OwnerReferences[0].UID) {
		return fmt.Errorf("creating revision %s: %w", rev.Name, errDeleting)
	}
	return nil
}

func revisionObject(repo *v1alpha1.Repository, app *v1alpha1.App, n plan.Revision, digest string, signature *v1alpha1.Signature) *v1alpha1.Revision {
	source := n.Source()
	source.Digest = digest
	return &v1alpha1.Revision{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       repo.Namespace,
			Name:            n.Name,
			Labels:          labels(repo, app.Name),
			OwnerReferences: []metav1.OwnerReference{ownedBy("App", app)},
			// The Revision's reconciler needs it and takes it away; set here,
			// it costs no write between a push and its build.
			Finalizers: []string{v1alpha1.FinalizerCleanup},
		},
		Spec: v1alpha1.RevisionSpec{
			App:        app.Name,
			Repository: repo.Name,
			Ref:        n.Ref,
			Commit:     n.Snapshot.Commit,
			Subject:    n.Snapshot.Subject,
			Author:     n.Snapshot.Author,
			Source:     source,
			Preview:    n.Preview,
			Signature:  signature,
			Build:      n.From.App.Build,
			Image:      n.From.Spec.Image,
			Runtime:    withChannels(n.From.Spec.Runtime, repo.Namespace, n.Preview),
		},
	}
}

// withChannels puts the URL of a channel, in a preview that of its branch, into the
// place of each channel://name.
func withChannels(runtime v1alpha1.Runtime, namespace string, preview *v1alpha1.BuiltFor) v1alpha1.Runtime {
	runtime.Env = slices.Clone(runtime.Env)
	for i := range runtime.Env {
		name, is := strings.CutPrefix(runtime.Env[i].Value, specfile.ChannelScheme)
		if !is {
			continue
		}
		if preview != nil {
			name = address.ChannelBranch(name, preview.ChannelSuffix)
		}
		runtime.Env[i].Value = address.Channel(namespace, name)
	}
	return runtime
}

func labels(repo *v1alpha1.Repository, app string) map[string]string {
	return map[string]string{
		v1alpha1.LabelRepository: repo.Name,
		v1alpha1.LabelApp:        app,
		v1alpha1.LabelManagedBy:  v1alpha1.ManagedBy,
	}
}

// ownedByOther reports whether an object belongs to an earlier object with the
// name of its owner: then it is being deleted, whether it says so yet or not.
func ownedByOther(o metav1.Object, owner types.UID) bool {
	controller := metav1.GetControllerOf(o)
	return controller != nil && controller.UID != owner
}

func ownedBy(kind string, owner metav1.Object) metav1.OwnerReference {
	return *metav1.NewControllerRef(owner, v1alpha1.GroupVersion.WithKind(kind))
}
