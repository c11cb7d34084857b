package watcher

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/plan"
)

// observeEventing reads the Channels and Subscriptions of the namespace. apps are
// all Apps of the Repository.
func (r *Reconciler) observeEventing(ctx context.Context, repo *v1alpha1.Repository, apps map[string]*v1alpha1.App, memory *memory, f *seen) error {
	var channels v1alpha1.ChannelList
	var subscriptions v1alpha1.SubscriptionList
	for _, list := range []client.ObjectList{&channels, &subscriptions} {
		if err := r.client.List(ctx, list, client.InNamespace(repo.Namespace), client.UnsafeDisableDeepCopy); err != nil {
			return fmt.Errorf("listing channels and subscriptions: %w", err)
		}
	}
	var leaving []string
	f.Eventing, leaving = plan.EventingOf(repo, apps, channels.Items, subscriptions.Items)
	for _, object := range leaving {
		f.deleting[object] = true
	}
	fresh(memory.channels, f.Channels, r.now())
	fresh(memory.subscriptions, f.Subscriptions, r.now())
	return nil
}

// named is an object in a sentence.
func named(kind, name string) string { return kind + " " + name }

// applyChannel makes a Channel as it is planned.
func (r *Reconciler) applyChannel(ctx context.Context, repo *v1alpha1.Repository, l *look, f seen, planned plan.Channel) error {
	prior := f.Channels[planned.Name]
	switch {
	case f.deleting[named("channel", planned.Name)], prior != nil && prior.DeletionTimestamp != nil:
		return errDeleting
	case prior != nil && equality.Semantic.DeepEqual(prior.Spec, planned.Spec):
		return nil
	}
	c := &v1alpha1.Channel{ObjectMeta: metaOf(repo, planned.Name, ownedBy("Repository", repo)), Spec: planned.Spec}
	c.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Channel"))
	if prior != nil {
		c.UID = prior.UID
	}
	if err := r.take(ctx, c, &v1alpha1.Channel{}); err != nil {
		return err
	}
	l.memory.channels[c.Name] = written[*v1alpha1.Channel]{c, r.now()}
	return nil
}

// applySubscription makes a Subscription of an App as it is planned.
func (r *Reconciler) applySubscription(ctx context.Context, repo *v1alpha1.Repository, l *look, f seen, app *v1alpha1.App, planned plan.Subscription) error {
	prior := f.Subscriptions[planned.Name]
	switch {
	case f.deleting[named("subscription", planned.Name)], prior != nil && prior.DeletionTimestamp != nil:
		return errDeleting
	case prior != nil && equality.Semantic.DeepEqual(prior.Spec, planned.Spec):
		return nil
	}
	s := &v1alpha1.Subscription{ObjectMeta: metaOf(repo, planned.Name, ownedBy("App", app)), Spec: planned.Spec}
	s.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Subscription"))
	s.Labels[v1alpha1.LabelApp] = app.Name
	if prior != nil {
		s.UID = prior.UID
	}
	if err := r.take(ctx, s, &v1alpha1.Subscription{}); err != nil {
		return err
	}
	l.memory.subscriptions[s.Name] = written[*v1alpha1.Subscription]{s, r.now()}
	return nil
}

func metaOf(repo *v1alpha1.Repository, name string, owner metav1.OwnerReference) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: repo.Namespace, Name: name, OwnerReferences: []metav1.OwnerReference{owner},
		Labels: map[string]string{v1alpha1.LabelRepository: repo.Name, v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
	}
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
	for _, name := range p.RemoveChannels {
		gone("channel", name, "ChannelRemoved", &v1alpha1.Channel{}, f.Channels[name].UID)
		delete(l.memory.channels, name)
	}
	return failed
}
