package watcher

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/election"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/artifact"
	"github.com/headway-dev/headway/watcher/feedback"
	"github.com/headway-dev/headway/watcher/forge/pool"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/plan"
	"github.com/headway-dev/headway/watcher/webhook"
)

// workers are more than the looks that may be under way, so that a Repository which
// gets no slot says so, and holds up none that gets one.
const workers = mostLooks + 8

// Index names in the manager's cache.
const (
	// indexRepository finds the Apps and Revisions of a Repository.
	indexRepository = "watcher.repository"
	// indexURL finds Repositories by their normalised URL.
	indexURL = "watcher.url"
)

// Options say where the watcher keeps its files and listens.
type Options struct {
	// Leader says when this replica may act. Nil: always.
	Leader *election.Leader
	// Data is a folder for git caches (git/), source artifacts (artifacts/) and what
	// is being read (reading/). It may be lost between two starts.
	Data string
	// ArtifactListen is the address of the artifact server, such as :8082.
	ArtifactListen string
	// WebhookListen is the address of POST /webhook, such as :8081.
	WebhookListen string
	// Artifacts bounds what source artifacts take of the disk.
	Artifacts artifact.Quota
	// Public is how apps are reached.
	Public address.Public
}

// Setup adds the reconciler of Repositories, what tells their forges, the artifact
// server, the webhook endpoint and the clean-up of artifacts to a manager. Reconcilers
// act on the leader only, which alone has the files of now; the servers of the others
// pass requests on to it. Each replica cleans up its own disk.
func Setup(ctx context.Context, mgr ctrl.Manager, o Options) error {
	log := slog.Default().With("component", "watcher")
	if err := registerIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	store, err := artifact.NewStore(filepath.Join(o.Data, "artifacts"), o.Artifacts.Total)
	if err != nil {
		return err
	}
	h := newHints(mgr.GetClient(), mgr.GetAPIReader(), log)
	r := &Reconciler{
		client: mgr.GetClient(), live: mgr.GetAPIReader(),
		git:    git.NewClient(git.DefaultLimits()),
		forges: pool.New(mgr.GetAPIReader()), public: o.Public,
		artifacts: store, artifactLimits: artifact.DefaultLimits(), quota: o.Artifacts,
		events: mgr.GetEventRecorder("headway-watcher"),
		log:    log,
		now:    time.Now,
		gitDir: filepath.Join(o.Data, "git"),
		turns:  newTurns(time.Now),
	}
	if r.marks, err = openMarks(filepath.Join(o.Data, "reading"), time.Now); err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(mgr).
		Named("repository").
		For(&v1alpha1.Repository{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, syncRequested()))).
		WatchesRawSource(source.Channel(h.out, handler.TypedFuncs[types.NamespacedName, reconcile.Request]{
			GenericFunc: func(_ context.Context, e event.TypedGenericEvent[types.NamespacedName], q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
				q.Add(reconcile.Request{NamespacedName: e.Object})
			},
		})).
		Watches(&v1alpha1.App{}, handler.EnqueueRequestsFromMapFunc(r.awaiting), builder.WithPredicates(becameReady())).
		Watches(&v1alpha1.App{}, handler.EnqueueRequestsFromMapFunc(repositoryOf), builder.WithPredicates(commitRequested())).
		Watches(&v1alpha1.Revision{}, handler.EnqueueRequestsFromMapFunc(repositoryOf), builder.WithPredicates(unbuiltAgain())).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](100*time.Millisecond, time.Minute),
		}).
		Complete(o.Leader.Reconciler(r))
	if err != nil {
		return fmt.Errorf("setting up the repository reconciler: %w", err)
	}
	if err := feedback.Setup(mgr, o.Leader, r.forges, indexRepository); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle(webhook.Path, webhook.New(h, log))
	artifacts, err := newOnLeader(o.Leader, o.ArtifactListen, store.Handler(), log)
	if err != nil {
		return fmt.Errorf("setting up the artifact server: %w", err)
	}
	hooks, err := newOnLeader(o.Leader, o.WebhookListen, mux, log)
	if err != nil {
		return fmt.Errorf("setting up the webhook endpoint: %w", err)
	}
	for _, runnable := range []manager.Runnable{
		&cleaner{reader: mgr.GetClient(), store: store, gitDir: r.gitDir, maxCaches: maxCaches, log: log},
		o.Leader.Runnable(&staleness{client: r.client, turns: r.turns, log: log}),
		serve("artifact server", o.ArtifactListen, artifacts, 0),
		serve("webhook endpoint", o.WebhookListen, hooks, 10*time.Second),
	} {
		if err := mgr.Add(runnable); err != nil {
			return fmt.Errorf("setting up the watcher: %w", err)
		}
	}
	return nil
}

func registerIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	for _, index := range []struct {
		object client.Object
		name   string
		value  func(client.Object) string
	}{
		{&v1alpha1.App{}, indexRepository, func(o client.Object) string { return o.(*v1alpha1.App).Spec.Repository }},
		{&v1alpha1.Revision{}, indexRepository, func(o client.Object) string { return o.(*v1alpha1.Revision).Spec.Repository }},
		{&v1alpha1.Repository{}, indexURL, func(o client.Object) string { return webhook.Normalize(o.(*v1alpha1.Repository).Spec.URL) }},
	} {
		values := func(o client.Object) []string { return []string{index.value(o)} }
		if err := indexer.IndexField(ctx, index.object, index.name, values); err != nil {
			return fmt.Errorf("indexing %T by %s: %w", index.object, index.name, err)
		}
	}
	return nil
}

// syncRequested lets through a Repository whose sync annotation has changed.
func syncRequested() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			return e.ObjectOld.GetAnnotations()[v1alpha1.AnnotationSyncRequestedAt] != e.ObjectNew.GetAnnotations()[v1alpha1.AnnotationSyncRequestedAt]
		},
	}
}

// becameReady lets through an App whose condition Ready has changed.
func becameReady() predicate.Predicate {
	ready := func(o client.Object) metav1.ConditionStatus {
		app, ok := o.(*v1alpha1.App)
		if !ok {
			return ""
		}
		if c := meta.FindStatusCondition(app.Status.Conditions, v1alpha1.ConditionReady); c != nil {
			return c.Status
		}
		return ""
	}
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
		UpdateFunc:  func(e event.UpdateEvent) bool { return ready(e.ObjectOld) != ready(e.ObjectNew) },
	}
}

// commitRequested lets through an App that asks for a commit, and did not before.
// Those that do at a start are found by the first look.
func commitRequested() predicate.Predicate {
	request := func(o client.Object) *v1alpha1.CommitRequest {
		if app, ok := o.(*v1alpha1.App); ok {
			return app.Status.Commit
		}
		return nil
	}
	return predicate.Funcs{
		// After a broken watch, an App that was made meanwhile may have one already.
		CreateFunc: func(e event.CreateEvent) bool {
			is := request(e.Object)
			return is != nil && !answered(e.Object.(*v1alpha1.App).Spec.Committed, is)
		},
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			is := request(e.ObjectNew)
			return is != nil && !equality.Semantic.DeepEqual(request(e.ObjectOld), is)
		},
	}
}

// repositoryOf is the Repository of an App.
func repositoryOf(_ context.Context, o client.Object) []reconcile.Request {
	var name string
	switch o := o.(type) {
	case *v1alpha1.App:
		name = o.Spec.Repository
	case *v1alpha1.Revision:
		name = o.Spec.Repository
	default:
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: o.GetNamespace(), Name: name}}}
}

// unbuiltAgain lets through a Revision that needs its artifact after all, which
// may be gone.
func unbuiltAgain() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			return !unbuilt(e.ObjectOld.(*v1alpha1.Revision)) && unbuilt(e.ObjectNew.(*v1alpha1.Revision))
		},
	}
}

// awaiting is the Repository of an App, where another App of it serves on until
// this one is live. Other Repositories are not looked at for it: a look asks
// the remote.
func (r *Reconciler) awaiting(ctx context.Context, o client.Object) []reconcile.Request {
	app, ok := o.(*v1alpha1.App)
	if !ok || app.Spec.Preview != nil {
		return nil
	}
	var apps v1alpha1.AppList
	err := r.client.List(ctx, &apps, client.InNamespace(app.Namespace), client.MatchingFields{indexRepository: app.Spec.Repository}, client.UnsafeDisableDeepCopy)
	if err != nil {
		r.log.Error("apps cannot be listed", "namespace", app.Namespace, "repository", app.Spec.Repository, "error", err)
		return nil
	}
	waits := func(other v1alpha1.App) bool { return other.Spec.Path == app.Spec.Path && plan.Renamed(other.Spec) }
	if !slices.ContainsFunc(apps.Items, waits) {
		return nil
	}
	return repositoryOf(ctx, o)
}

// serve is an HTTP server. timeout bounds one request; 0 is for downloads, which may
// be long.
func serve(name, address string, handler http.Handler, timeout time.Duration) *manager.Server {
	return &manager.Server{
		Name: name,
		Server: &http.Server{
			Addr: address, Handler: handler,
			ReadHeaderTimeout: 10 * time.Second, ReadTimeout: timeout, WriteTimeout: timeout,
			IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		},
		OnlyServeWhenLeader: true, // as far as the manager knows, which then starts it with a filled cache
		ShutdownTimeout:     new(10 * time.Second),
	}
}
