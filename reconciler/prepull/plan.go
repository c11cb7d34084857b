package prepull

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// maxPulls is how many pull pods there are at a time, on all nodes.
	maxPulls = 10
	// share is how many of them a namespace has while others wait.
	share = 3
	// patience is how long a pod may have trouble, such as a registry that does
	// not answer or a node without room, until its place is given to another.
	patience = time.Minute
	// pullLimit is how long a pull may take at all.
	pullLimit = 10 * time.Minute
	// maxTries is when the image of a revision is given up on a node.
	maxTries = 5
	// firstBackoff is the pause after the first failure; it doubles each time.
	firstBackoff = time.Minute
	// comingCheck is how soon to look again for an image that a starting app
	// pod is about to bring.
	comingCheck = 30 * time.Second
)

// nodeID names a node in short: the beginning of its UID. A node that is made
// again under its old name is another one.
type nodeID = string

// Target is a revision that requests can reach.
type Target struct {
	Revision *v1alpha1.Revision // of the cache: only read
	// Digest of its image.
	Digest string
	// Weight is its share of the traffic in percent.
	Weight int32
}

// Node that takes app pods.
type Node struct {
	Name string
	ID   nodeID
}

// pullState is how far a pull pod is.
//
//	pulling ──▶ done      the image is on the node
//	   │ ▲
//	   ▼ │
//	troubled ──▶ failed   after patience or pullLimit, or by itself
type pullState int

const (
	pulling pullState = iota
	troubled
	done
	failed
)

// Pull is a pull pod.
type Pull struct {
	Pod      types.NamespacedName
	UID      types.UID
	Revision string // in the pod's namespace
	Node     nodeID
	State    pullState
	// Reason of a trouble or failure, for people.
	Reason  string
	Created time.Time
}

// attempt is an image on a node.
type attempt struct {
	digest string
	node   nodeID
}

// tries are the failures of an attempt.
type tries struct {
	count int
	last  time.Time
}

// Seen is what was observed: the input of PlanFor.
type Seen struct {
	// Targets, the most important first.
	Targets []Target
	// Nodes that take app pods.
	Nodes []Node
	// Known are the IDs of all nodes, sorted.
	Known []nodeID
	// Pulls are the pull pods that are not leaving.
	Pulls []Pull
	// On are the sorted nodes that have, or had, the image, by digest.
	On map[string][]nodeID
	// Coming are images that starting app pods are about to bring.
	Coming map[attempt]bool
	// Tries are the failures so far.
	Tries map[attempt]tries
}

// Start is a pull to begin.
type Start struct {
	Target Target
	Node   Node
}

// Plan is what a reconciliation does.
type Plan struct {
	// Start these pulls.
	Start []Start
	// Done pulls brought their image; Failed ones did not, for their Reason;
	// Stale ones are not wanted any more. All of them are taken away.
	Done, Failed, Stale []Pull
	// RequeueAfter is when time alone will change the plan; 0 is never.
	RequeueAfter time.Duration
}

// PlanFor decides which images to pull onto which nodes now. It is pure. It
// takes time in proportion to targets and nodes.
func PlanFor(seen Seen, now time.Time) Plan {
	p := planner{Seen: seen, now: now, held: map[string]int{}, busy: map[nodeID]bool{}, settled: map[attempt]bool{}}
	p.judgePulls()
	p.fill(share)
	p.fill(maxPulls) // with what nobody else waits for
	return p.Plan
}

// fill starts pulls while there are places; a namespace gets no more than most.
func (p *planner) fill(most int) {
	for _, target := range p.Targets {
		on := p.On[target.Digest]
		for _, node := range p.Nodes {
			if p.running >= maxPulls {
				return // the end of a pull comes as an event
			}
			if p.held[target.Revision.Namespace] >= most {
				break
			}
			if _, has := slices.BinarySearch(on, node.ID); !has && p.wanted(target, node) {
				p.start(target, node)
			}
		}
	}
}

type planner struct {
	Seen
	Plan
	now     time.Time
	running int
	held    map[string]int // of those that run, by namespace
	busy    map[nodeID]bool
	settled map[attempt]bool // decided in this round
}

// judgePulls sorts the pods that exist into those that end and those that hold
// a place.
func (p *planner) judgePulls() {
	digests := make(map[types.NamespacedName]string, len(p.Targets))
	for _, t := range p.Targets {
		digests[types.NamespacedName{Namespace: t.Revision.Namespace, Name: t.Revision.Name}] = t.Digest
	}
	for _, pull := range p.Pulls {
		digest, wanted := digests[types.NamespacedName{Namespace: pull.Pod.Namespace, Name: pull.Revision}]
		if _, exists := slices.BinarySearch(p.Known, pull.Node); !wanted || !exists {
			p.Stale = append(p.Stale, pull)
			continue
		}
		p.settled[attempt{digest, pull.Node}] = true
		limit := pull.Created.Add(pullLimit)
		if pull.State == troubled {
			limit = pull.Created.Add(patience)
		}
		switch {
		case pull.State == done:
			p.Done = append(p.Done, pull)
		case pull.State == failed || !p.now.Before(limit):
			if pull.Reason == "" {
				pull.Reason = "it takes longer than " + pullLimit.String()
			}
			p.Failed = append(p.Failed, pull)
		default:
			p.hold(pull.Pod.Namespace, pull.Node)
			p.lookAgain(limit.Sub(p.now))
		}
	}
}

// wanted reports whether an image that is not on a node is to be pulled now.
func (p *planner) wanted(target Target, node Node) bool {
	at := attempt{target.Digest, node.ID}
	if p.busy[node.ID] || p.settled[at] {
		return false
	}
	if p.Coming[at] {
		p.lookAgain(comingCheck)
		return false
	}
	tried := p.Tries[at]
	if tried.count == 0 {
		return true
	}
	if tried.count >= maxTries {
		return false
	}
	wait := tried.last.Add(backoff(tried.count)).Sub(p.now)
	if wait > 0 {
		p.lookAgain(wait)
	}
	return wait <= 0
}

func (p *planner) start(target Target, node Node) {
	p.Start = append(p.Start, Start{target, node})
	p.settled[attempt{target.Digest, node.ID}] = true
	p.hold(target.Revision.Namespace, node.ID)
	p.lookAgain(firstBackoff) // no event comes of a pod that is refused
}

// hold takes one of the places, and the node.
func (p *planner) hold(namespace string, node nodeID) {
	p.running++
	p.held[namespace]++
	p.busy[node] = true
}

func (p *planner) lookAgain(wait time.Duration) {
	if p.RequeueAfter == 0 || wait < p.RequeueAfter {
		p.RequeueAfter = wait
	}
}

// backoff is the pause after so many failures, one or more.
func backoff(failures int) time.Duration { return firstBackoff << (failures - 1) }
