package plan

import (
	"context"
	"fmt"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/checkout"
	"github.com/headway-dev/headway/cmd/headway/cli"
	planner "github.com/headway-dev/headway/watcher/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// askFor bounds the questions to a cluster that may not be there.
const askFor = 5 * time.Second

// world is what is there before the push.
type world struct {
	// repository is the name of the Repository, branch its production branch;
	// empty where no cluster has said so.
	repository, branch string
	// apps of the repository by name, without previews; foreign are those of
	// others, with the Repository of each.
	apps    map[string]*v1alpha1.App
	foreign map[string]string
	// previews of the repository.
	previews []*v1alpha1.App
	// read are the headway.yaml files that were read before.
	read      map[string]bool
	revisions []*v1alpha1.Revision
	planner.Eventing
}

// askCluster reads what a cluster has of the apps of a snapshot. The error says
// why it has not said anything; the world is empty then.
func askCluster(ctx context.Context, a *cli.Access, s *planner.Snapshot) (world, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	c, err := a.Connect()
	if err != nil {
		return world{}, err
	}
	w, err := worldOf(ctx, c, c.Namespace, s)
	return w, c.Advise(err)
}

// worldOf finds the Repository by an app of the same name and path.
func worldOf(ctx context.Context, c client.Reader, namespace string, s *planner.Snapshot) (world, error) {
	var apps v1alpha1.AppList
	var revisions v1alpha1.RevisionList
	var channels v1alpha1.ChannelList
	var sources v1alpha1.SourceList
	var subscriptions v1alpha1.SubscriptionList
	for _, list := range []client.ObjectList{&apps, &revisions, &channels, &sources, &subscriptions} {
		if err := c.List(ctx, list, client.InNamespace(namespace)); err != nil {
			return world{}, fmt.Errorf("reading what is live: %w", err)
		}
	}
	w := world{apps: map[string]*v1alpha1.App{}, foreign: map[string]string{}, read: map[string]bool{}}
	if w.repository = checkout.WatchedBy(s.Apps, apps.Items); w.repository == "" {
		return world{}, fmt.Errorf("namespace %s has no app of this repository", namespace)
	}
	var r v1alpha1.Repository
	if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: w.repository}, &r); err != nil {
		return world{}, fmt.Errorf("reading repository %s: %w", w.repository, err)
	}
	w.branch = r.Spec.ProductionBranch
	for _, file := range r.Status.Apps {
		w.read[file.Path] = true
	}
	for i := range apps.Items {
		switch app := &apps.Items[i]; {
		case app.Spec.Preview != nil && app.Spec.Repository == w.repository:
			w.previews = append(w.previews, app)
		case app.Spec.Preview != nil:
		case app.Spec.Repository == w.repository:
			w.apps[app.Name] = app
		default:
			w.foreign[app.Name] = app.Spec.Repository
		}
	}
	for i := range revisions.Items {
		if rev := &revisions.Items[i]; rev.Spec.Repository == w.repository && rev.DeletionTimestamp == nil {
			w.revisions = append(w.revisions, rev)
		}
	}
	w.Eventing, _ = planner.EventingOf(&r, w.apps, channels.Items, sources.Items, subscriptions.Items)
	return w, nil
}

// after is the world when a plan has been carried out.
func after(p planner.Plan) world {
	w := world{apps: map[string]*v1alpha1.App{}, read: map[string]bool{}}
	w.Channels, w.Sources, w.Subscriptions = map[string]*v1alpha1.Channel{}, map[string]*v1alpha1.Source{}, map[string]*v1alpha1.Subscription{}
	w.add(nil, p.Channels, p.Sources, nil)
	for _, file := range p.Files {
		w.read[file.Path] = true
	}
	for _, a := range p.Apps {
		w.apps[a.Name] = &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Name: a.Name}, Spec: a.Spec}
		owner := []metav1.OwnerReference{*metav1.NewControllerRef(w.apps[a.Name], v1alpha1.GroupVersion.WithKind("App"))}
		w.add(owner, a.Channels, a.Sources, a.Subscriptions)
		for _, r := range a.Revisions {
			w.revisions = append(w.revisions, &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Name: r.Name}, Spec: v1alpha1.RevisionSpec{
				App: a.Name, Ref: r.Ref, Commit: r.Snapshot.Commit, Source: r.Source(), Build: r.From.App.Build, Image: r.From.Spec.Image}})
		}
	}
	return w
}

// add puts what is planned among what is there.
func (w *world) add(owner []metav1.OwnerReference, channels []planner.Channel, sources []planner.Source, subscriptions []planner.Subscription) {
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name, OwnerReferences: owner} }
	for _, c := range channels {
		w.Channels[c.Name] = &v1alpha1.Channel{ObjectMeta: meta(c.Name), Spec: c.Spec}
	}
	for _, s := range sources {
		w.Sources[s.Name] = &v1alpha1.Source{ObjectMeta: meta(s.Name), Spec: s.Spec}
	}
	for _, s := range subscriptions {
		w.Subscriptions[s.Name] = &v1alpha1.Subscription{ObjectMeta: meta(s.Name), Spec: s.Spec}
	}
}
