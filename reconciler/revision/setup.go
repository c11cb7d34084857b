package revision

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/election"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/index"
	"github.com/headway-dev/headway/reconciler/probe"
	"github.com/headway-dev/headway/reconciler/registry"
	"github.com/headway-dev/headway/reconciler/render"
)

// workers reconcile in parallel, so that a registry that does not answer holds
// up few builds.
const workers = 8

// Setup adds the reconciler to the manager. index.Register must have been
// called. The end of ctx ends what runs beside the manager.
func Setup(ctx context.Context, mgr ctrl.Manager, leader *election.Leader, public address.Public, builds Builds, park render.Park) error {
	core, err := corev1client.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("making a client for logs: %w", err)
	}
	prober := &waker{ctx: ctx, probes: probe.New(), wake: make(chan event.GenericEvent)}
	r := &Reconciler{
		Client: mgr.GetClient(),
		Live:   mgr.GetAPIReader(),
		// Not the manager's client: it reads these kinds past the cache.
		Metadata: mgr.GetCache(),
		Events:   mgr.GetEventRecorder("headway-revision"),
		Images: &registry.Client{
			Secrets:  mgr.GetAPIReader(),
			Secret:   client.ObjectKey{Namespace: builds.BuildNamespace, Name: builds.RegistrySecret},
			Prefix:   builds.Registry,
			Insecure: builds.InsecureRegistries,
		},
		Logs:   PodLogs{core},
		Prober: prober,
		Ports:  probe.NewPorts(),
		Public: public,
		Builds: builds,
		Park:   park,
	}
	return ctrl.NewControllerManagedBy(mgr).
		For(&v1alpha1.Revision{}).
		Owns(&appsv1.Deployment{}).
		WatchesRawSource(source.Channel(prober.wake, &handler.EnqueueRequestForObject{})).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(revisionOfPod)).
		Watches(&v1alpha1.Revision{}, handler.EnqueueRequestsFromMapFunc(r.standbysBeside), builder.WithPredicates(roomChanged())).
		Watches(&v1alpha1.App{}, r.appHandler()).
		WatchesMetadata(&corev1.Secret{}, r.referringTo("Secret")).
		WatchesMetadata(&corev1.ConfigMap{}, r.referringTo("ConfigMap")).
		Watches(&pipelines.TaskRun{}, handler.EnqueueRequestsFromMapFunc(r.revisionsOfRun)).
		Watches(&pipelines.TaskRun{}, handler.EnqueueRequestsFromMapFunc(r.moved), builder.WithPredicates(slotFreed())).
		Watches(&v1alpha1.Revision{}, handler.EnqueueRequestsFromMapFunc(r.moved), builder.WithPredicates(queueChanged())).
		Watches(&pipelines.Task{}, handler.EnqueueRequestsFromMapFunc(r.revisionsWithoutTemplate)).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: workers,
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](50*time.Millisecond, time.Minute),
		}).
		Complete(leader.Reconciler(r))
}

// waker reconciles a revision when one of its pods answers.
type waker struct {
	ctx    context.Context // ends the probes with the program
	probes *probe.Prober
	wake   chan event.GenericEvent
}

// Answered implements Prober.
func (w *waker) Answered(container string) time.Duration { return w.probes.Answered(container) }

// Since implements Prober.
func (w *waker) Since(container string) time.Time { return w.probes.Since(container) }

// Ask implements Prober.
func (w *waker) Ask(target probe.Target, revision client.ObjectKey) {
	w.probes.Ask(w.ctx, target, func() {
		rev := &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: revision.Namespace, Name: revision.Name}}
		select {
		case w.wake <- event.GenericEvent{Object: rev}:
		case <-w.ctx.Done():
		}
	})
}

func revisionOfPod(_ context.Context, pod client.Object) []reconcile.Request {
	if pod.GetLabels()[v1alpha1.LabelRevision] == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{
		Namespace: pod.GetNamespace(), Name: pod.GetLabels()[v1alpha1.LabelRevision],
	}}}
}

// appHandler wakes the revisions whose roles an App changes; and all of them
// where another one is live or kept, which new ones compare themselves with, or
// where a restart was asked for, a setup has news, or the App is going.
func (r *Reconciler) appHandler() handler.EventHandler {
	type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]
	wakeAll := func(ctx context.Context, app client.Object, q queue) {
		for _, request := range r.requests(ctx, nil, client.InNamespace(app.GetNamespace()), client.MatchingFields{index.RevisionApp: app.GetName()}) {
			q.Add(request)
		}
	}
	return handler.Funcs{
		CreateFunc: func(ctx context.Context, e event.CreateEvent, q queue) { wakeAll(ctx, e.Object, q) },
		UpdateFunc: func(ctx context.Context, e event.UpdateEvent, q queue) {
			was, is := e.ObjectOld.(*v1alpha1.App), e.ObjectNew.(*v1alpha1.App)
			moved := is.Status.Moved(&was.Status)
			serves := func(name string) bool {
				return slices.ContainsFunc([]v1alpha1.Role{is.Status.Role(name), was.Status.Role(name)}, func(role v1alpha1.Role) bool {
					return role == v1alpha1.RoleLive || role == v1alpha1.RoleKept
				})
			}
			prepared := func(app *v1alpha1.App) condition.State {
				return condition.Get(app.Status.Conditions, v1alpha1.ConditionPrepared)
			}
			if slices.ContainsFunc(moved, serves) || is.Annotations[v1alpha1.AnnotationRestartedAt] != was.Annotations[v1alpha1.AnnotationRestartedAt] ||
				prepared(is) != prepared(was) || is.Prepared() != was.Prepared() || (is.DeletionTimestamp == nil) != (was.DeletionTimestamp == nil) {
				wakeAll(ctx, is, q)
				return
			}
			for _, name := range moved {
				q.Add(reconcile.Request{NamespacedName: types.NamespacedName{Namespace: is.Namespace, Name: name}})
			}
		},
	}
}

// referringTo maps an object to the revisions whose variables come from it.
func (r *Reconciler) referringTo(kind string) handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
		return r.requests(ctx, nil, client.InNamespace(o.GetNamespace()),
			client.MatchingFields{index.RevisionReference: v1alpha1.Reference{Kind: kind, Name: o.GetName()}.Object()})
	})
}

// revisionsOfRun maps a TaskRun to the revisions that may wait for it.
func (r *Reconciler) revisionsOfRun(ctx context.Context, run client.Object) []reconcile.Request {
	labels := run.GetLabels()
	unbuilt := func(rev *v1alpha1.Revision) bool { return rev.Status.Image == "" }
	return r.requests(ctx, unbuilt,
		client.InNamespace(labels[v1alpha1.LabelNamespace]), client.MatchingFields{index.RevisionBuilds: labels[v1alpha1.LabelApp]})
}

// revisionsWithoutTemplate maps a template to the revisions that miss it, or
// whose arguments it did not take.
func (r *Reconciler) revisionsWithoutTemplate(ctx context.Context, task client.Object) []reconcile.Request {
	name := task.GetLabels()[v1alpha1.LabelTemplate]
	return r.requests(ctx, func(rev *v1alpha1.Revision) bool {
		reason := condition.Get(rev.Status.Conditions, v1alpha1.ConditionBuilt).Reason
		return rev.Spec.Build != nil && rev.Spec.Build.Template == name &&
			(reason == v1alpha1.ReasonTemplateNotFound || reason == v1alpha1.ReasonInvalidArgs)
	})
}

// requests lists revisions; nil as wanted is all.
func (r *Reconciler) requests(ctx context.Context, wanted func(*v1alpha1.Revision) bool, options ...client.ListOption) []reconcile.Request {
	var list v1alpha1.RevisionList
	if err := r.Client.List(ctx, &list, options...); err != nil {
		// A map function has nobody to return it to.
		ctrllog.FromContext(ctx).Error(err, "cannot list revisions for an event")
		return nil
	}
	var result []reconcile.Request
	for i := range list.Items {
		if wanted == nil || wanted(&list.Items[i]) {
			result = append(result, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
		}
	}
	return result
}
