package watcher

import (
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/plan"
)

// ownWriteFor is how long an object that was just written counts although the
// cache does not show it yet. Caches follow within milliseconds.
const ownWriteFor = time.Minute

// memory is what the watcher keeps about one Repository between two looks. All
// of it can be read again. One reconciliation at a time uses it.
type memory struct {
	// snapshots of the commits that the watched refs point at, and of pinned
	// commits, by hash.
	snapshots map[string]*plan.Snapshot
	// goFiles are what the Go files of the last commits say.
	goFiles detect.Memo
	// absent are pinned commits that were not found, and the production commit
	// at that time.
	absent map[string]string
	// unreadable are the commits of further refs that cannot be read, and why.
	unreadable map[string]*plan.Problem
	// times are those of the commits of further refs, where there are too many
	// to follow; undated, that the remote does not tell them.
	times   map[string]time.Time
	undated bool
	// bases are the apps at the commits that requests began from, by the request's
	// commit and base; nil where those cannot be found.
	bases map[string]plan.Base
	// differs is since when git and the forge name different heads, and asked when
	// approvals were last read, by the number of the request.
	differs map[int64]time.Time
	asked   map[int64]asked
	// signed is what is known of signatures, with spec.verify.
	signed signedMemory
	// lost are digests of artifacts that could not be made again.
	lost map[string]bool
	// These are the own writes that the cache may not show yet.
	apps          map[string]written[*v1alpha1.App]
	revisions     map[string]written[*v1alpha1.Revision]
	channels      map[string]written[*v1alpha1.Channel]
	sources       map[string]written[*v1alpha1.Source]
	subscriptions map[string]written[*v1alpha1.Subscription]
	// failures in a row.
	failures int
	// tries are how often a commit that was asked for could not be pushed, by
	// what identifies the request. soon is the wait for the next look where the
	// last one has pushed, or tries again; 0 where it is the usual one.
	tries map[string]int
	soon  time.Duration
}

type written[T any] struct {
	object T
	at     time.Time
}

func newMemory() *memory {
	return &memory{
		snapshots:     map[string]*plan.Snapshot{},
		signed:        newSignedMemory(),
		absent:        map[string]string{},
		unreadable:    map[string]*plan.Problem{},
		times:         map[string]time.Time{},
		differs:       map[int64]time.Time{},
		asked:         map[int64]asked{},
		lost:          map[string]bool{},
		tries:         map[string]int{},
		apps:          map[string]written[*v1alpha1.App]{},
		revisions:     map[string]written[*v1alpha1.Revision]{},
		channels:      map[string]written[*v1alpha1.Channel]{},
		sources:       map[string]written[*v1alpha1.Source]{},
		subscriptions: map[string]written[*v1alpha1.Subscription]{},
	}
}

// keep forgets all snapshots but those of the given commits, and why others
// could not be read.
func (m *memory) keep(commits map[string]bool) {
	maps.DeleteFunc(m.snapshots, func(hash string, _ *plan.Snapshot) bool { return !commits[hash] })
	maps.DeleteFunc(m.unreadable, func(hash string, _ *plan.Problem) bool { return !commits[hash] })
	maps.DeleteFunc(m.signed.commits, func(at counted, _ *v1alpha1.Signature) bool { return !commits[at.commit] })
}

// sooner is the wait for the next look, where something asks for another one
// before its time.
func (m *memory) sooner(wait time.Duration) {
	if wait > 0 && (m.soon == 0 || wait < m.soon) {
		m.soon = wait
	}
}

// fresh puts the own writes that are newer than what the cache shows in its
// place.
func fresh[T client.Object](own map[string]written[T], cached map[string]T, now time.Time) {
	for name, w := range own {
		seen, shown := cached[name]
		switch {
		case now.Sub(w.at) > ownWriteFor,
			shown && (seen.GetUID() != w.object.GetUID() || seen.GetGeneration() >= w.object.GetGeneration()):
			delete(own, name)
		default:
			cached[name] = w.object
		}
	}
}

// freshRevisions adds the Revisions just made that the cache does not show.
func (m *memory) freshRevisions(cached []*v1alpha1.Revision, now time.Time) []*v1alpha1.Revision {
	seen := map[string]bool{}
	for _, r := range cached {
		seen[r.Name] = true
	}
	for name, w := range m.revisions {
		if seen[name] || now.Sub(w.at) > ownWriteFor {
			delete(m.revisions, name)
			continue
		}
		cached = append(cached, w.object)
	}
	return cached
}

// memories are the memories of all Repositories, by UID.
type memories struct{ m sync.Map }

func (m *memories) of(uid types.UID) *memory {
	found, _ := m.m.LoadOrStore(uid, newMemory())
	return found.(*memory)
}

func (m *memories) forget(uid types.UID) { m.m.Delete(uid) }
