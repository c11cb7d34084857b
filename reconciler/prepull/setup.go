package prepull

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// settle is the pause in which changes gather, so that a thousand of them make
// one plan.
const settle = 500 * time.Millisecond

// Setup adds the reconciler to the manager. index.Register must have been
// called. Without a park image there is nothing to run in a pull pod, and
// nothing is pulled in advance.
func Setup(mgr ctrl.Manager, parkImage string) error {
	if parkImage == "" {
		return nil
	}
	own, err := newCache(mgr)
	if err != nil {
		return fmt.Errorf("making the cache of nodes: %w", err)
	}
	if err := mgr.Add(own); err != nil {
		return fmt.Errorf("adding the cache of nodes: %w", err)
	}
	r := &Reconciler{Client: mgr.GetClient(), Pulls: own, Events: mgr.GetEventRecorder("headway-prepull"), ParkImage: parkImage}
	always := func(_, _ *corev1.Pod) bool { return true }
	err = ctrl.NewControllerManagedBy(mgr).
		Named("prepull").
		WatchesRawSource(source.Kind(own, &corev1.Node{}, soon(nodeChanged))).
		WatchesRawSource(source.Kind(own, &corev1.Pod{}, soon(always))).
		WatchesRawSource(source.Kind(mgr.GetCache(), &v1alpha1.App{}, soon(appChanged))).
		WatchesRawSource(source.Kind(mgr.GetCache(), &v1alpha1.Revision{}, soon(revisionChanged))).
		Complete(r)
	if err != nil {
		return fmt.Errorf("adding the prepull reconciler: %w", err)
	}
	return nil
}

// newCache holds what nobody else needs: Nodes and pull pods, little of each.
func newCache(mgr ctrl.Manager) (cache.Cache, error) {
	share := true // plans read; they change no cached object
	return cache.New(mgr.GetConfig(), cache.Options{
		HTTPClient: mgr.GetHTTPClient(), Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(),
		DefaultUnsafeDisableDeepCopy: &share,
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Node{}: {Transform: slimNode},
			&corev1.Pod{}:  {Transform: slimPull, Label: v1alpha1.Labelled(labelPrepull)},
		},
	})
}

// slimNode keeps whether a node takes app pods and which images it has: of each
// image the digests instead of its names.
func slimNode(in any) (any, error) {
	node, ok := in.(*corev1.Node)
	if !ok {
		return in, nil
	}
	out := &corev1.Node{ObjectMeta: slimMeta(node.ObjectMeta)}
	if system := node.Labels[corev1.LabelOSStable]; system != "" {
		out.Labels = map[string]string{corev1.LabelOSStable: system}
	}
	out.Spec.Unschedulable, out.Spec.Taints = node.Spec.Unschedulable, node.Spec.Taints
	for _, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			out.Status.Conditions = []corev1.NodeCondition{{Type: c.Type, Status: c.Status}}
		}
	}
	for _, image := range node.Status.Images {
		var digests []string
		for _, name := range image.Names {
			if digest, pinned := digestOf(name); pinned && !slices.Contains(digests, digest) {
				digests = append(digests, digest)
			}
		}
		if len(digests) > 0 {
			out.Status.Images = append(out.Status.Images, corev1.ContainerImage{Names: digests})
		}
	}
	return out, nil
}

// slimPull keeps how a pull pod is doing.
func slimPull(in any) (any, error) {
	pod, ok := in.(*corev1.Pod)
	if !ok {
		return in, nil
	}
	out := &corev1.Pod{ObjectMeta: slimMeta(pod.ObjectMeta)}
	out.Labels, out.Annotations = pod.Labels, map[string]string{annotationNode: pod.Annotations[annotationNode]}
	out.OwnerReferences = pod.OwnerReferences
	out.Status = corev1.PodStatus{
		Phase: pod.Status.Phase, Reason: pod.Status.Reason, Message: pod.Status.Message,
		Conditions: pod.Status.Conditions, ContainerStatuses: pod.Status.ContainerStatuses,
	}
	return out, nil
}

func slimMeta(m metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name: m.Name, Namespace: m.Namespace, UID: m.UID, ResourceVersion: m.ResourceVersion,
		CreationTimestamp: m.CreationTimestamp, DeletionTimestamp: m.DeletionTimestamp,
	}
}

// soon has the cluster looked at once changes have gathered. Objects that come
// and go always count.
func soon[T client.Object](changed func(old, new T) bool) handler.TypedEventHandler[T, reconcile.Request] {
	type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]
	look := func(q queue) { q.AddAfter(reconcile.Request{}, settle) }
	return handler.TypedFuncs[T, reconcile.Request]{
		CreateFunc: func(_ context.Context, _ event.TypedCreateEvent[T], q queue) { look(q) },
		DeleteFunc: func(_ context.Context, _ event.TypedDeleteEvent[T], q queue) { look(q) },
		UpdateFunc: func(_ context.Context, e event.TypedUpdateEvent[T], q queue) {
			if changed(e.ObjectOld, e.ObjectNew) {
				look(q)
			}
		},
	}
}

// nodeChanged ignores heartbeats, and images: one more is no reason to pull, and
// one that a kubelet threw away is not brought back.
func nodeChanged(old, new *corev1.Node) bool {
	return old.UID != new.UID || takesApps(old) != takesApps(new)
}

func appChanged(old, new *v1alpha1.App) bool { return len(new.Status.Moved(&old.Status)) > 0 }

func revisionChanged(old, new *v1alpha1.Revision) bool {
	return old.Status.EverReady != new.Status.EverReady || old.Status.Image != new.Status.Image ||
		(old.DeletionTimestamp == nil) != (new.DeletionTimestamp == nil)
}
