package watcher

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/plan"
)

// observeEventing reads the Channels, Sources and Subscriptions of the namespace.
// apps are all Apps of the Repository.
func (r *Reconciler) observeEventing(ctx context.Context, repo *v1alpha1.Repository, apps map[string]*v1alpha1.App, memory *memory, f *seen) error {
	var channels v1alpha1.ChannelList
	var sources v1alpha1.SourceList
	var subscriptions v1alpha1.SubscriptionList
	for _, list := range []client.ObjectList{&channels, &sources, &subscriptions} {
		if err := r.client.List(ctx, list, client.InNamespace(repo.Namespace), client.UnsafeDisableDeepCopy); err != nil {
			return fmt.Errorf("listing channels, sources and subscriptions: %w", err)
		}
	}
	var leaving []string
	f.Eventing, leaving = plan.EventingOf(repo, apps, channels.Items, sources.Items, subscriptions.Items)
	for _, object := range leaving {
		f.deleting[object] = true
	}
	fresh(memory.channels, f.Channels, r.now())
	fresh(memory.sources, f.Sources, r.now())
	fresh(memory.subscriptions, f.Subscriptions, r.now())
	return nil
}

// named is an object in a sentence.
func named(kind, name string) string { return kind + " " + name }

// owned is whose objects of eventing are made: an App's, or the Repository's
// itself.
type owned struct {
	repo  *v1alpha1.Repository
	app   string
	owner metav1.OwnerReference
}

func ofRepository(repo *v1alpha1.Repository) owned {
	return owned{repo: repo, owner: ownedBy("Repository", repo)}
}

func ofApp(repo *v1alpha1.Repository, app *v1alpha1.App) owned {
	return owned{repo, app.Name, ownedBy("App", app)}
}

// applyEventing makes Channels, Sources and Subscriptions as they are planned.
// Channels come first: the others name them.
func (r *Reconciler) applyEventing(ctx context.Context, l *look, f seen, by owned, channels []plan.Channel, sources []plan.Source, subscriptions []plan.Subscription, note func(what string, err error)) {
	for _, c := range channels {
		object := &v1alpha1.Channel{ObjectMeta: by.meta(c.Name), Spec: c.Spec}
		same := func(prior *v1alpha1.Channel) bool { return equality.Semantic.DeepEqual(prior.Spec, c.Spec) }
		note(named("channel", c.Name), put(ctx, r, f, "Channel", f.Channels, l.memory.channels, object, &v1alpha1.Channel{}, same))
	}
	for _, s := range sources {
		object := &v1alpha1.Source{ObjectMeta: by.meta(s.Name), Spec: s.Spec}
		same := func(prior *v1alpha1.Source) bool { return equality.Semantic.DeepEqual(prior.Spec, s.Spec) }
		note(named("source", s.Name), put(ctx, r, f, "Source", f.Sources, l.memory.sources, object, &v1alpha1.Source{}, same))
	}
	for _, s := range subscriptions {
		object := &v1alpha1.Subscription{ObjectMeta: by.meta(s.Name), Spec: s.Spec}
		same := func(prior *v1alpha1.Subscription) bool { return equality.Semantic.DeepEqual(prior.Spec, s.Spec) }
		note(named("subscription", s.Name), put(ctx, r, f, "Subscription", f.Subscriptions, l.memory.subscriptions, object, &v1alpha1.Subscription{}, same))
	}
}

// put makes one object as it is planned, and remembers it. there are those that the
// look has seen; empty is an empty object of the kind.
func put[T client.Object](ctx context.Context, r *Reconciler, f seen, kind string, there map[string]T, memory map[string]written[T], object, empty T, same func(prior T) bool) error {
	prior, known := there[object.GetName()]
	switch {
	case f.deleting[named(strings.ToLower(kind), object.GetName())], known && prior.GetDeletionTimestamp() != nil:
		return errDeleting
	case known && same(prior) && !ownedByOther(prior, object.GetOwnerReferences()[0].UID):
		return nil
	}
	object.GetObjectKind().SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	if known {
		object.SetUID(prior.GetUID())
	}
	if err := r.take(ctx, object, empty); err != nil {
		return err
	}
	memory[object.GetName()] = written[T]{object, r.now()}
	return nil
}

func (o owned) meta(name string) metav1.ObjectMeta {
	m := metav1.ObjectMeta{
		Namespace: o.repo.Namespace, Name: name, OwnerReferences: []metav1.OwnerReference{o.owner},
		Labels: map[string]string{v1alpha1.LabelRepository: o.repo.Name, v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
	}
	if o.app != "" {
		m.Labels[v1alpha1.LabelApp] = o.app
	}
	return m
}

// take applies an object. One without a UID is new: its name is looked up past
// the cache. If it is taken by the same object, the cache is behind; somebody
// else's is left alone. there is an empty object of the kind. The UID keeps the
// write from an object that was made meanwhile.
func (r *Reconciler) take(ctx context.Context, object, there client.Object) error {
	if object.GetUID() != "" {
		return apply.Object(ctx, r.client, apply.Watcher, object)
	}
	kind := object.GetObjectKind().GroupVersionKind().Kind
	err := r.live.Get(ctx, client.ObjectKeyFromObject(object), there)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading %s %s: %w", kind, object.GetName(), err)
	}
	if err == nil {
		owner, wanted := metav1.GetControllerOf(there), object.GetOwnerReferences()[0]
		switch {
		case owner == nil || owner.Kind != wanted.Kind || owner.Name != wanted.Name:
			return plan.NewProblem(v1alpha1.ReasonNameConflict, "the %s %q of this namespace %s; choose another name", kind, object.GetName(), plan.Holder(there))
		case owner.UID != wanted.UID, there.GetDeletionTimestamp() != nil:
			return errDeleting
		}
		object.SetUID(there.GetUID())
	}
	return apply.Object(ctx, r.client, apply.Watcher, object)
}

// pruneEventing deletes what no file declares any more.
func (r *Reconciler) pruneEventing(ctx context.Context, repo *v1alpha1.Repository, l *look, f seen, p plan.Plan) []error {
	var failed []error
	gone := func(kind, name, reason string, o client.Object, uid types.UID) {
		o.SetNamespace(repo.Namespace)
		o.SetName(name)
		o.SetUID(uid)
		if err := apply.Delete(ctx, r.client, o); err != nil {
			failed = append(failed, err)
			return
		}
		r.log.Info(kind+" deleted", "namespace", repo.Namespace, kind, name)
		r.event(repo, reason, fmt.Sprintf("%s: no headway.yaml on %s declares it", named(kind, name), v1alpha1.ShortRef(f.ProductionRef)))
	}
	for _, name := range p.RemoveSubscriptions {
		gone("subscription", name, "SubscriptionRemoved", &v1alpha1.Subscription{}, f.Subscriptions[name].UID)
		delete(l.memory.subscriptions, name)
	}
	for _, name := range p.RemoveSources {
		gone("source", name, "SourceRemoved", &v1alpha1.Source{}, f.Sources[name].UID)
		delete(l.memory.sources, name)
	}
	for _, name := range p.RemoveChannels {
		gone("channel", name, "ChannelRemoved", &v1alpha1.Channel{}, f.Channels[name].UID)
		delete(l.memory.channels, name)
	}
	return failed
}
