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

// observe reads what a plan rests on, all of it from caches and without copies.
func (p *Puller) observe(ctx context.Context) (Seen, error) {
	var apps v1alpha1.AppList
	var revisions v1alpha1.RevisionList
	var nodes corev1.NodeList
	var pods corev1.PodList
	for _, list := range []client.ObjectList{&apps, &revisions, &nodes, &pods} {
		if err := p.Client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return Seen{}, fmt.Errorf("listing %T: %w", list, err)
		}
	}
	seen := Seen{Targets: targets(apps.Items, revisions.Items), Covered: map[attempt]bool{}}
	seen.readNodes(nodes.Items)
	seen.readPods(pods.Items)
	return seen, nil
}

// targets are the revisions that have been ready and are wanted by their App,
// those with the most traffic first, then the youngest.
func targets(apps []v1alpha1.App, revisions []v1alpha1.Revision) []Target {
	weights := map[types.NamespacedName]int32{}
	for i := range apps {
		for _, r := range apps[i].Status.Revisions {
			if r.Role != v1alpha1.RoleReplaced {
				weights[types.NamespacedName{Namespace: apps[i].Namespace, Name: r.Name}] = r.Weight
			}
		}
	}
	var result []Target
	for i := range revisions {
		rev := &revisions[i]
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
		)
	})
	return result
}

// readNodes finds the nodes, the images that their kubelets list, which are some
// of theirs only, and the pulls that the Revisions say have ended there.
func (s *Seen) readNodes(nodes []corev1.Node) {
	for i := range nodes {
		node := Node{nodes[i].Name, idOf(nodes[i].UID), takesApps(&nodes[i])}
		s.Nodes = append(s.Nodes, node)
		for _, image := range nodes[i].Status.Images {
			for _, name := range image.Names {
				digest, _ := digestOf(name)
				s.Covered[attempt{digest, node.ID}] = true
			}
		}
	}
	for _, target := range s.Targets {
		for _, node := range target.pulledOn() {
			s.Covered[attempt{target.Digest, node}] = true
		}
	}
}

// readPods finds the pull pods, and where the pods of targets, parked ones too,
// have brought an image or are about to.
func (s *Seen) readPods(pods []corev1.Pod) {
	targets, byName, byID := map[types.NamespacedName]*Target{}, map[string]*Node{}, map[nodeID]*Node{}
	for i := range s.Targets {
		targets[client.ObjectKeyFromObject(s.Targets[i].Revision)] = &s.Targets[i]
	}
	for i := range s.Nodes {
		byName[s.Nodes[i].Name], byID[s.Nodes[i].ID] = &s.Nodes[i], &s.Nodes[i]
	}
	for i := range pods {
		pod := &pods[i]
		revision, node := pod.Labels[v1alpha1.LabelRevision], byName[pod.Spec.NodeName]
		if isPull(pod) {
			revision, node = pod.Labels[labelPrepull], byID[pod.Labels[labelNode]]
		}
		target := targets[types.NamespacedName{Namespace: pod.Namespace, Name: revision}]
		if target != nil && node != nil {
			s.Covered[attempt{target.Digest, node.ID}] = true
		}
		if isPull(pod) && pod.DeletionTimestamp == nil {
			ended, reason := progress(&pod.Status)
			s.Pulls = append(s.Pulls, Pull{target, node, pod, ended, reason})
		}
	}
}

// isPull reports whether a pod is one of ours. Anybody may give a pod of theirs
// the label; it is left alone then, and holds no place.
func isPull(pod *corev1.Pod) bool {
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

// takesApps reports whether an app's pod, which tolerates nothing, could be
// scheduled onto a node.
func takesApps(node *corev1.Node) bool {
	system := cmp.Or(node.Labels[corev1.LabelOSStable], string(corev1.Linux))
	return !node.Spec.Unschedulable && node.DeletionTimestamp == nil && system == string(corev1.Linux) &&
		!slices.ContainsFunc(node.Spec.Taints, func(taint corev1.Taint) bool { return taint.Effect != corev1.TaintEffectPreferNoSchedule }) &&
		slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		})
}

// SlimNode keeps, for a cache, what tells whether a node takes app pods and which
// images it has.
func SlimNode(node *corev1.Node) {
	node.Annotations = nil
	node.Status = corev1.NodeStatus{Conditions: node.Status.Conditions, Images: node.Status.Images}
}
