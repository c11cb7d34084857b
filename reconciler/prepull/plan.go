package prepull

import (
	"cmp"
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

// Target is a revision that requests can reach.
type Target struct {
	Revision *v1alpha1.Revision // of the cache: only read
	// Digest of its image.
	Digest string
	// Weight is its share of the traffic in basis points.
	Weight int32
}

// Node that takes app pods.
type Node struct {
	Name string
	ID   nodeID
}

// attempt is an image on a node.
type attempt struct {
	digest string
	node   nodeID
}

// pullState is how far a pull pod is.
type pullState int

const (
	waiting pullState = iota // with a Reason: for something that may not come
	done                     // the image is on the node
	failed
)

// Pull is a pull pod.
type Pull struct {
	Pod  *corev1.Pod // of the cache: only read
	Node nodeID
	// Target is nil where the image is not wanted any more.
	Target *Target
	State  pullState
	// Reason for which it waits or failed, for people.
	Reason string
}

// Seen is what was observed: the input of PlanFor.
type Seen struct {
	// Targets, the most important first.
	Targets []Target
	// Nodes that take app pods, sorted by name.
	Nodes []Node
	// Known are all nodes.
	Known []Node
	// Pulls are the pull pods that are not being deleted.
	Pulls []Pull
	// On are the images that nodes have or had, and those that were given up there.
	On map[attempt]bool
	// Coming are images that starting app pods are about to bring.
	Coming map[attempt]bool
}

// Start is a pull to begin.
type Start struct {
	Target Target
	Node   Node
}

// Plan is what a look does.
type Plan struct {
	// Start these pulls.
	Start []Start
	// Done pulls brought their image; Failed ones did not, for their Reason. All
	// of them are taken away.
	Done, Failed []Pull
}

// PlanFor decides which images to pull onto which nodes now. It is pure. It
// takes time in proportion to targets and nodes.
func PlanFor(seen Seen, now time.Time) Plan {
	var p Plan
	running, held := 0, map[string]int{} // held: by namespace, with those that wait too long
	busy, begun := map[nodeID]bool{}, map[attempt]bool{}
	for _, pull := range seen.Pulls {
		if pull.Target != nil {
			begun[attempt{pull.Target.Digest, pull.Node}] = true
		}
		age := now.Sub(pull.Pod.CreationTimestamp.Time)
		switch {
		case pull.State == done:
			p.Done = append(p.Done, pull)
		case pull.State == failed || age >= pullLimit:
			pull.Reason = cmp.Or(pull.Reason, "it takes longer than "+pullLimit.String())
			p.Failed = append(p.Failed, pull)
		default:
			held[pull.Pod.Namespace]++
			if pull.Reason == "" || age < patience {
				running++
				busy[pull.Node] = true
			}
		}
	}
	for _, most := range []int{share, maxPulls} { // the rest goes to whoever has use for it
		for _, target := range seen.Targets {
			namespace := target.Revision.Namespace
			for _, node := range seen.Nodes {
				at := attempt{target.Digest, node.ID}
				if running >= maxPulls || held[namespace] >= most {
					break
				}
				if busy[node.ID] || begun[at] || seen.On[at] || seen.Coming[at] {
					continue
				}
				p.Start = append(p.Start, Start{target, node})
				running++
				held[namespace]++
				busy[node.ID], begun[at] = true, true
			}
		}
	}
	return p
}
