package prepull

import (
	"cmp"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

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

// nodeID names a node in short: the beginning of its UID. A node that is made
// again under its old name is another one.
type nodeID = string

// attempt is an image on a node.
type attempt struct {
	digest string
	node   nodeID
}

// Target is a revision that requests can reach.
type Target struct {
	Revision *v1alpha1.Revision // of the cache: only read
	// Digest of its image.
	Digest string
	// Weight is its share of the traffic in basis points.
	Weight int32
}

// pulledOn are the nodes where a pull of it has ended, well or not.
func (t Target) pulledOn() []nodeID {
	return strings.Fields(t.Revision.Annotations[annotationPulledOn])
}

// Node of the cluster.
type Node struct {
	Name string
	ID   nodeID
	// TakesApps: app pods could be scheduled onto it.
	TakesApps bool
}

// Pull of an image onto a node.
type Pull struct {
	// Target and Node are nil where the image is not wanted any more or the node
	// is gone.
	Target *Target
	Node   *Node
	// Pod that pulls, of the cache; nil before it is made.
	Pod *corev1.Pod
	// Ended: it pulls no more, because the image is there or for the Reason.
	Ended bool
	// Reason for which it waits or failed, for people; empty is good.
	Reason string
}

// Seen is what was observed: the input of PlanFor.
type Seen struct {
	// Targets, the most important first.
	Targets []Target
	Nodes   []Node
	// Pulls are those with pods that are not being deleted.
	Pulls []Pull
	// Covered are the images that need no pull onto a node: they are or were
	// there, a pod is about to bring them, or they were given up.
	Covered map[attempt]bool
}

// Plan is what a look does.
type Plan struct {
	// Start these pulls; take away the pods of those that End.
	Start, End []Pull
}

// PlanFor decides which images to pull onto which nodes now. It is pure. It
// takes time in proportion to targets and nodes.
func PlanFor(seen Seen, now time.Time) Plan {
	var p Plan
	running, held := 0, map[string]int{} // held: by namespace, with those that wait too long
	busy := map[nodeID]bool{}
	for _, pull := range seen.Pulls {
		age := now.Sub(pull.Pod.CreationTimestamp.Time)
		switch {
		case pull.Ended, pull.Target == nil, pull.Node == nil:
			p.End = append(p.End, pull)
		case age >= pullLimit:
			pull.Reason = cmp.Or(pull.Reason, "it takes longer than "+pullLimit.String())
			p.End = append(p.End, pull)
		default:
			held[pull.Pod.Namespace]++
			if pull.Reason == "" || age < patience {
				running++
				busy[pull.Node.ID] = true
			}
		}
	}
	for _, most := range []int{share, maxPulls} { // the rest goes to whoever has use for it
		for t := range seen.Targets {
			target := &seen.Targets[t]
			namespace := target.Revision.Namespace
			for n := range seen.Nodes {
				node := &seen.Nodes[n]
				if running >= maxPulls || held[namespace] >= most {
					break
				}
				if !node.TakesApps || busy[node.ID] || seen.Covered[attempt{target.Digest, node.ID}] {
					continue
				}
				p.Start = append(p.Start, Pull{Target: target, Node: node})
				running++
				held[namespace]++
				busy[node.ID] = true
			}
		}
	}
	return p
}
