package prepull

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// annotationPulledOn on a Revision names the nodes that have, or had, its image
// when a pull ended: the first 8 characters of their UIDs. A controller that
// starts again does not pull there once more.
const annotationPulledOn = "headway.dev/pulled-on"

// observe reads what a plan rests on, all of it from caches and without copies.
// What it finds of images is remembered: kubelets list some of theirs only, and
// pods go.
func (p *Puller) observe(ctx context.Context) (Seen, error) {
	var seen Seen
	var err error
	if seen.Targets, err = p.targets(ctx); err != nil {
		return seen, err
	}
	var nodes corev1.NodeList
	if err := p.Client.List(ctx, &nodes, client.UnsafeDisableDeepCopy); err != nil {
		return seen, fmt.Errorf("listing nodes: %w", err)
	}
	var pods corev1.PodList
	if err := p.Client.List(ctx, &pods, client.UnsafeDisableDeepCopy); err != nil {
		return seen, fmt.Errorf("listing pods: %w", err)
	}
	found, byName := map[attempt]bool{}, map[string]nodeID{}
	for i := range nodes.Items {
		node := &nodes.Items[i]
		id := idOf(node.UID)
		byName[node.Name] = id
		seen.Known = append(seen.Known, Node{node.Name, id})
		if takesApps(node) {
			seen.Nodes = append(seen.Nodes, Node{node.Name, id})
		}
		for _, image := range node.Status.Images {
			for _, name := range image.Names {
				digest, _ := digestOf(name)
				found[attempt{digest, id}] = true
			}
		}
	}
	slices.SortFunc(seen.Nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	seen.readPods(pods.Items, byName, found)
	p.recall(&seen, found)
	return seen, nil
}

// targets are the revisions that have been ready and are wanted by their App,
// those with the most traffic first, then the youngest.
func (p *Puller) targets(ctx context.Context) ([]Target, error) {
	var apps v1alpha1.AppList
	if err := p.Client.List(ctx, &apps, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing apps: %w", err)
	}
	var revisions v1alpha1.RevisionList
	if err := p.Client.List(ctx, &revisions, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing revisions: %w", err)
	}
	weights := map[types.NamespacedName]int32{}
	for i := range apps.Items {
		for _, r := range apps.Items[i].Status.Revisions {
			if r.Role != v1alpha1.RoleReplaced {
				weights[types.NamespacedName{Namespace: apps.Items[i].Namespace, Name: r.Name}] = r.Weight
			}
		}
	}
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

// readPods finds the pull pods, and where the pods of targets, parked ones too,
// have brought an image or are about to.
func (s *Seen) readPods(pods []corev1.Pod, byName map[string]nodeID, found map[attempt]bool) {
	targets := map[types.NamespacedName]*Target{}
	for i := range s.Targets {
		targets[client.ObjectKeyFromObject(s.Targets[i].Revision)] = &s.Targets[i]
	}
	s.Coming = map[attempt]bool{}
	for i := range pods {
		pod := &pods[i]
		if name := pod.Labels[labelPrepull]; name != "" {
			if ours(pod) && pod.DeletionTimestamp == nil {
				state, reason := progress(&pod.Status)
				target := targets[types.NamespacedName{Namespace: pod.Namespace, Name: name}]
				s.Pulls = append(s.Pulls, Pull{pod, pod.Labels[labelNode], target, state, reason})
			}
			continue
		}
		target := targets[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Labels[v1alpha1.LabelRevision]}]
		node, known := byName[pod.Spec.NodeName]
		switch {
		case target == nil || !known:
		case hasImage(&pod.Status):
			found[attempt{target.Digest, node}] = true
		case pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodPending:
			s.Coming[attempt{target.Digest, node}] = true
		}
	}
}

// recall adds what was found before, and what earlier pulls left on the
// Revisions. Nothing stays of images that nobody can reach and nodes that are
// gone.
func (p *Puller) recall(seen *Seen, found map[attempt]bool) {
	seen.On = map[attempt]bool{}
	for _, target := range seen.Targets {
		pulledOn := strings.Fields(target.Revision.Annotations[annotationPulledOn])
		for _, node := range seen.Known {
			at := attempt{target.Digest, node.ID}
			if found[at] || p.on[at] || slices.Contains(pulledOn, node.ID) {
				seen.On[at] = true
			}
		}
	}
	p.on = seen.On
}

// ours reports whether a pod is what it says. Anybody may give a pod of theirs
// a label; it is left alone then, and holds no place.
func ours(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == "Revision" && owner.Name == pod.Labels[labelPrepull]
}

// digestOf is the digest of an image that is pinned by one. Images of equal
// digests have equal layers, whatever their names.
func digestOf(image string) (string, bool) {
	_, digest, pinned := strings.Cut(image, "@")
	return digest, pinned
}

func idOf(uid types.UID) nodeID { return string(uid[:min(8, len(uid))]) }

// hasImage reports whether an app pod's node has its image.
func hasImage(status *corev1.PodStatus) bool {
	return status.Phase == corev1.PodRunning ||
		slices.ContainsFunc(status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.Name == v1alpha1.AppContainer && c.ImageID != "" })
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

// SlimNode keeps, for a cache, what tells whether a node takes app pods and which
// images it has.
func SlimNode(node *corev1.Node) {
	node.Annotations = nil
	node.Status = corev1.NodeStatus{Conditions: node.Status.Conditions, Images: node.Status.Images}
}
