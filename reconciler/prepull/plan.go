package prepull

import (
	"cmp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// maxPulls is how many pull pods there are at a time, on all nodes.
	maxPulls = 10
	// share is how many of them a namespace has while others wait.
	share = 3
	// patience is how long a pod may wait for something, such as a registry that
	// does not answer or a node without room, until its place is given to another.
	// The kubelet goes on trying.
	patience = time.Minute
	// pullLimit is how long a pull may take at all.
	pullLimit = 20 * time.Minute
)

// Seen is what was observed: the input of PlanFor. What the objects refer to is
// the cache's own.
type Seen struct {
	Apps      []v1alpha1.App
	Revisions []v1alpha1.Revision
	Nodes     []corev1.Node
	Pods      []corev1.Pod
}

// Pull of an image onto a node.
type Pull struct {
	// Revision is nil where the image is not wanted any more, Node where it is
	// gone.
	Revision *v1alpha1.Revision
	Node     *corev1.Node
	// Pod that pulls; nil before it is made.
	Pod *corev1.Pod
	// Reason for which it waits or failed, for people; empty is good.
	Reason string
}

// Plan is what a look does.
type Plan struct {
	// Start these pulls; take away the pods of those that End.
	Start, End []Pull
}

// place is an image on a node.
type place struct{ digest, node string }

// PlanFor decides which images to pull onto which nodes now. It is pure.
func PlanFor(seen Seen, now time.Time) Plan {
	var p Plan
	targets := seen.targets()
	pulls, covered := seen.pulls(targets)
	running, held := 0, map[string]int{} // held: by namespace, with those that wait too long
	busy := map[*corev1.Node]bool{}
	for _, pull := range pulls {
		age := now.Sub(pull.Pod.CreationTimestamp.Time)
		ended, reason := progress(&pull.Pod.Status)
		pull.Reason = reason
		switch {
		case ended, pull.Revision == nil, pull.Node == nil:
			p.End = append(p.End, pull)
		case age >= pullLimit:
			pull.Reason = cmp.Or(reason, "it takes longer than "+pullLimit.String())
			p.End = append(p.End, pull)
		default:
			held[pull.Pod.Namespace]++
			if reason == "" || age < patience {
				running++
				busy[pull.Node] = true
			}
		}
	}
	wanted := seen.wanted(targets, covered)
	for _, most := range []int{share, maxPulls} { // the rest goes to whoever has use for it
		for _, pull := range wanted {
			namespace := pull.Revision.Namespace
			if running < maxPulls && held[namespace] < most && !busy[pull.Node] {
				p.Start = append(p.Start, pull)
				running++
				held[namespace]++
				busy[pull.Node] = true
			}
		}
	}
	return p
}

// targets are the revisions that have been ready and are wanted by their App,
// those with the most traffic first, then the youngest. Few people open a
// preview: it has its image where it ran first.
func (s Seen) targets() []*v1alpha1.Revision {
	weights := map[types.NamespacedName]int32{}
	for i := range s.Apps {
		for _, r := range s.Apps[i].Status.Revisions {
			if r.Role != v1alpha1.RoleReplaced {
				weights[types.NamespacedName{Namespace: s.Apps[i].Namespace, Name: r.Name}] = r.Weight
			}
		}
	}
	var targets []*v1alpha1.Revision
	for i := range s.Revisions {
		rev := &s.Revisions[i]
		_, wanted := weights[client.ObjectKeyFromObject(rev)]
		if wanted && rev.Spec.Preview == nil && digestOf(rev.Status.Image) != "" && rev.Status.EverReady && rev.DeletionTimestamp == nil {
			targets = append(targets, rev)
		}
	}
	slices.SortFunc(targets, func(a, b *v1alpha1.Revision) int {
		return cmp.Or(
			cmp.Compare(weights[client.ObjectKeyFromObject(b)], weights[client.ObjectKeyFromObject(a)]),
			b.CreationTimestamp.Compare(a.CreationTimestamp.Time),
		)
	})
	return targets
}

// pulls are those whose pods are not being deleted. covered are the images that
// need no pull onto a node: its kubelet lists it, which it does with some of its
// images only, or a pod there has brought it or is about to.
func (s Seen) pulls(targets []*v1alpha1.Revision) (pulls []Pull, covered map[place]bool) {
	covered = map[place]bool{}
	byName, byID := map[string]*corev1.Node{}, map[string]*corev1.Node{}
	for i := range s.Nodes {
		node := &s.Nodes[i]
		byName[node.Name], byID[idOf(node)] = node, node
		for _, image := range node.Status.Images {
			for _, name := range image.Names {
				covered[place{digestOf(name), idOf(node)}] = true
			}
		}
	}
	wanted := map[types.NamespacedName]*v1alpha1.Revision{}
	for _, rev := range targets {
		wanted[client.ObjectKeyFromObject(rev)] = rev
	}
	for i := range s.Pods {
		pod := &s.Pods[i]
		revision, node := pod.Labels[v1alpha1.LabelRevision], byName[pod.Spec.NodeName]
		if isPull(pod) {
			revision, node = pod.Labels[labelPrepull], byID[pod.Labels[labelNode]]
		}
		rev := wanted[types.NamespacedName{Namespace: pod.Namespace, Name: revision}]
		if rev != nil && node != nil {
			covered[place{digestOf(rev.Status.Image), idOf(node)}] = true
		}
		if isPull(pod) && pod.DeletionTimestamp == nil {
			pulls = append(pulls, Pull{Revision: rev, Node: node, Pod: pod})
		}
	}
	return pulls, covered
}

// wanted are the pulls that have not begun, the most important first.
func (s Seen) wanted(targets []*v1alpha1.Revision, covered map[place]bool) (pulls []Pull) {
	ended := map[string][]string{} // nodes where a pull of a digest has
	for _, rev := range targets {
		digest := digestOf(rev.Status.Image)
		ended[digest] = append(ended[digest], strings.Fields(rev.Annotations[annotationPulledOn])...)
	}
	for _, rev := range targets {
		digest := digestOf(rev.Status.Image)
		for i := range s.Nodes {
			node := &s.Nodes[i]
			if !covered[place{digest, idOf(node)}] && !slices.Contains(ended[digest], idOf(node)) && takesApps(node) {
				pulls = append(pulls, Pull{Revision: rev, Node: node})
			}
		}
	}
	return pulls
}

// digestOf is the digest of an image that is pinned by one. Images of equal
// digests have equal layers, whatever their names.
func digestOf(image string) string {
	_, digest, _ := strings.Cut(image, "@")
	return digest
}

// idOf names a node in short: the beginning of its UID. A node that is made again
// under its old name is another one.
func idOf(node *corev1.Node) string { return string(node.UID[:min(8, len(node.UID))]) }

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
