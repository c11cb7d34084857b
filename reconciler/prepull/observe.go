package prepull

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/index"
)

// observe reads what a plan rests on, all of it from caches and without copies.
func (r *Reconciler) observe(ctx context.Context, now time.Time) (Seen, error) {
	var seen Seen
	var err error
	if seen.Targets, err = r.targets(ctx); err != nil {
		return seen, err
	}
	var nodes corev1.NodeList
	if err := r.Pulls.List(ctx, &nodes); err != nil {
		return seen, fmt.Errorf("listing nodes: %w", err)
	}
	for i := range nodes.Items {
		node := &nodes.Items[i]
		seen.Known = append(seen.Known, idOf(node.UID))
		if takesApps(node) {
			seen.Nodes = append(seen.Nodes, Node{node.Name, idOf(node.UID)})
		}
	}
	slices.Sort(seen.Known)
	slices.SortFunc(seen.Nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	if seen.Pulls, err = r.pulls(ctx, now); err != nil {
		return seen, err
	}
	r.memory.forget(seen.Targets, seen.Known)
	if err := r.recall(ctx, &seen, nodes.Items); err != nil {
		return seen, err
	}
	seen.On, seen.Tries = r.memory.on, r.memory.tries
	return seen, nil
}

// targets are the revisions that have been ready and are wanted by their App,
// those with the most traffic first, then the youngest.
func (r *Reconciler) targets(ctx context.Context) ([]Target, error) {
	var apps v1alpha1.AppList
	if err := r.Client.List(ctx, &apps, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing apps: %w", err)
	}
	var revisions v1alpha1.RevisionList
	if err := r.Client.List(ctx, &revisions, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing revisions: %w", err)
	}
	weights := weights(apps.Items)
	var result []Target
	for i := range revisions.Items {
		rev := &revisions.Items[i]
		weight, wanted := weights[client.ObjectKeyFromObject(rev)]
		digest, pinned := digestOf(rev.Status.Image)
		if wanted && pinned && rev.Status.EverReady && rev.DeletionTimestamp == nil {
			result = append(result, Target{rev, digest, weight})
		}
	}
	slices.SortFunc(result, func(a, b Target) int {
		return cmp.Or(
			cmp.Compare(b.Weight, a.Weight),
			b.Revision.CreationTimestamp.Compare(a.Revision.CreationTimestamp.Time),
			strings.Compare(a.Revision.Namespace, b.Revision.Namespace),
			strings.Compare(a.Revision.Name, b.Revision.Name),
		)
	})
	return result, nil
}

// weights are the shares of the revisions that Apps want.
func weights(apps []v1alpha1.App) map[types.NamespacedName]int32 {
	result := map[types.NamespacedName]int32{}
	for i := range apps {
		for _, r := range apps[i].Status.Revisions {
			if r.Role != v1alpha1.RoleReplaced {
				result[types.NamespacedName{Namespace: apps[i].Namespace, Name: r.Name}] = r.Weight
			}
		}
	}
	return result
}

// digestOf is the digest of an image that is pinned by one. Images of equal
// digests have equal layers, whatever their names.
func digestOf(image string) (string, bool) {
	_, digest, pinned := strings.Cut(image, "@")
	return digest, pinned
}

// takesApps reports whether an app's pod, which tolerates nothing, could be
// scheduled onto a node.
func takesApps(node *corev1.Node) bool {
	if node.Spec.Unschedulable || node.DeletionTimestamp != nil {
		return false
	}
	if system := node.Labels[corev1.LabelOSStable]; system != "" && system != string(corev1.Linux) {
		return false
	}
	for _, taint := range node.Spec.Taints {
		if taint.Effect != corev1.TaintEffectPreferNoSchedule {
			return false
		}
	}
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

func (r *Reconciler) pulls(ctx context.Context, now time.Time) ([]Pull, error) {
	var pods corev1.PodList
	if err := r.Pulls.List(ctx, &pods, client.HasLabels{labelPrepull}); err != nil {
		return nil, fmt.Errorf("listing pull pods: %w", err)
	}
	var cached []Pull
	for i := range pods.Items {
		pod := &pods.Items[i]
		ours, err := r.ours(ctx, pod)
		if err != nil {
			return nil, err
		}
		if ours && pod.DeletionTimestamp == nil {
			cached = append(cached, pullOf(pod))
		}
	}
	return r.memory.pulls(cached, now), nil
}

// ours reports whether a pod is what it says. Anybody may give a pod of theirs
// a label; it is left alone then, and holds no place.
func (r *Reconciler) ours(ctx context.Context, pod *corev1.Pod) (bool, error) {
	pull, owner := pullOf(pod), metav1.GetControllerOf(pod)
	if owner == nil || pod.Name != podName(pull.Revision, pull.Node) {
		return false, nil
	}
	var rev v1alpha1.Revision
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: pod.Namespace, Name: pull.Revision}, &rev, client.UnsafeDisableDeepCopy)
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("getting revision %s: %w", pull.Revision, err)
	}
	return err == nil && rev.UID == owner.UID, nil // else Kubernetes takes it away
}

// recall brings the memory up to date: which nodes have which image, by what
// the kubelets list, by what earlier pulls left on the Revisions, and by the
// pods of revisions that are not everywhere yet.
func (r *Reconciler) recall(ctx context.Context, seen *Seen, nodes []corev1.Node) error {
	wanted := make(map[string]bool, len(seen.Targets))
	for _, t := range seen.Targets {
		wanted[t.Digest] = true
	}
	byName := make(map[string]nodeID, len(nodes))
	for i := range nodes {
		byName[nodes[i].Name] = idOf(nodes[i].UID)
		for _, image := range nodes[i].Status.Images {
			for _, digest := range image.Names { // see slimNode
				if wanted[digest] {
					r.memory.note(digest, idOf(nodes[i].UID))
				}
			}
		}
	}
	seen.Coming = map[attempt]bool{}
	for _, t := range seen.Targets {
		if r.everywhere(t, seen.Nodes) {
			continue
		}
		r.memory.recall(t, seen.Known)
		if r.everywhere(t, seen.Nodes) {
			continue
		}
		if err := r.recallPods(ctx, seen, t, byName); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reconciler) everywhere(t Target, nodes []Node) bool {
	on := r.memory.on[t.Digest]
	return !slices.ContainsFunc(nodes, func(node Node) bool {
		_, has := slices.BinarySearch(on, node.ID)
		return !has
	})
}

// recallPods notes the nodes on which pods of a revision, parked ones too, have
// brought the image, or are about to.
func (r *Reconciler) recallPods(ctx context.Context, seen *Seen, t Target, byName map[string]nodeID) error {
	var pods corev1.PodList
	err := r.Client.List(ctx, &pods, client.UnsafeDisableDeepCopy,
		client.InNamespace(t.Revision.Namespace), client.MatchingFields{index.PodRevision: t.Revision.Name})
	if err != nil {
		return fmt.Errorf("listing pods of %s: %w", t.Revision.Name, err)
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		node, known := byName[pod.Spec.NodeName]
		switch {
		case !known:
		case hasImage(&pod.Status):
			r.memory.note(t.Digest, node)
		case pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodPending:
			seen.Coming[attempt{t.Digest, node}] = true
		}
	}
	return nil
}

// hasImage reports whether an app pod's node has its image.
func hasImage(status *corev1.PodStatus) bool {
	return status.Phase == corev1.PodRunning ||
		slices.ContainsFunc(status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.Name == v1alpha1.AppContainer && c.ImageID != "" })
}
