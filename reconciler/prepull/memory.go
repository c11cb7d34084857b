package prepull

import (
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// annotationPulledOn on a Revision names the nodes that have, or had, its image
// when a pull ended: the first 8 characters of their UIDs. A controller that
// starts again does not pull there once more.
const annotationPulledOn = "headway.dev/pulled-on"

// lag is how long a pod that was made may take to show in the cache.
const lag = 10 * time.Second

// memory is what the reconciler knows beyond the caches. What matters of it can
// be found again: on Revisions, on Nodes, in pods.
type memory struct {
	// on are the sorted nodes that have, or had, an image, by digest.
	on map[string][]nodeID
	// tries are the failures.
	tries map[attempt]tries
	// started are pods that the cache may not have yet.
	started map[types.NamespacedName]Pull
	// handled are pods whose end was seen, and that the cache may have still.
	handled map[types.UID]bool
}

func idOf(uid types.UID) nodeID { return string(uid[:min(8, len(uid))]) }

// note remembers that a node has an image.
func (m *memory) note(digest string, node nodeID) {
	at, found := slices.BinarySearch(m.on[digest], node)
	if found {
		return
	}
	if m.on == nil {
		m.on = map[string][]nodeID{}
	}
	m.on[digest] = slices.Insert(m.on[digest], at, node)
}

// recall takes over what the Revision says of earlier pulls onto nodes that
// still exist. The nodes are sorted.
func (m *memory) recall(t Target, nodes []nodeID) {
	for node := range strings.FieldsSeq(t.Revision.Annotations[annotationPulledOn]) {
		if _, exists := slices.BinarySearch(nodes, node); exists {
			m.note(t.Digest, node)
		}
	}
}

// fail counts a failure and returns how many there are now.
func (m *memory) fail(at attempt, now time.Time) int {
	if m.tries == nil {
		m.tries = map[attempt]tries{}
	}
	count := m.tries[at].count + 1
	m.tries[at] = tries{count, now}
	return count
}

// start remembers a pod until the cache has it.
func (m *memory) start(pull Pull) {
	if m.started == nil {
		m.started = map[types.NamespacedName]Pull{}
	}
	m.started[pull.Pod] = pull
}

// handle remembers that the end of a pod was dealt with.
func (m *memory) handle(uid types.UID) {
	if m.handled == nil {
		m.handled = map[types.UID]bool{}
	}
	m.handled[uid] = true
}

// pulls corrects what a cache says: pods that it does not have yet are added,
// those that are dealt with are left out.
func (m *memory) pulls(cached []Pull, now time.Time) []Pull {
	var result []Pull
	handled := map[types.UID]bool{}
	for _, pull := range cached {
		delete(m.started, pull.Pod)
		if m.handled[pull.UID] {
			handled[pull.UID] = true
			continue
		}
		result = append(result, pull)
	}
	m.handled = handled
	for pod, pull := range m.started {
		if now.Sub(pull.Created) > lag {
			delete(m.started, pod)
			continue
		}
		result = append(result, pull)
	}
	return result
}

// forget drops what is about images that are not wanted or nodes that are gone.
// The nodes are sorted.
func (m *memory) forget(targets []Target, nodes []nodeID) {
	wanted := make(map[string]bool, len(targets))
	for _, t := range targets {
		wanted[t.Digest] = true
	}
	gone := func(node nodeID) bool {
		_, exists := slices.BinarySearch(nodes, node)
		return !exists
	}
	for digest, on := range m.on {
		if m.on[digest] = slices.DeleteFunc(on, gone); !wanted[digest] || len(m.on[digest]) == 0 {
			delete(m.on, digest)
		}
	}
	for at := range m.tries {
		if !wanted[at.digest] || gone(at.node) {
			delete(m.tries, at)
		}
	}
}
