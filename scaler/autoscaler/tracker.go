package autoscaler

import (
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/utils/ptr"

	"github.com/headway-dev/headway/scaler/decide"
)

// tracker keeps what is remembered of each revision. The work queue never has
// the same revision reconciled twice at a time, so only the maps are locked.
type tracker struct {
	mu        sync.Mutex
	revisions map[types.NamespacedName]*memory
	loads     map[types.NamespacedName]told // read by the decisions about others
}

// memory of one revision.
type memory struct {
	state   decide.State
	asked   asked
	drain   drain
	standby standby
}

// asked is the last number that was written, for as long as the cache does not
// know it.
type asked struct {
	replicas int
	version  string // of the Deployment since then
}

// drain is a scale-down that waits for its pods to become empty. The zero
// value is none.
type drain struct {
	target int
	since  time.Time
	looked time.Time // at its pods
	term   int64     // in which it began
}

func (d drain) running() bool { return !d.since.IsZero() }

// rest is how long the pods need not be looked at again. Reports come more often
// than that is worth.
func (d drain) rest(target int, now time.Time) time.Duration {
	if !d.running() || d.target != target {
		return 0
	}
	return d.looked.Add(drainLook).Sub(now)
}

func (t *tracker) get(name types.NamespacedName) *memory {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.revisions[name]
	if m == nil {
		if t.revisions == nil {
			t.revisions = map[types.NamespacedName]*memory{}
		}
		m = &memory{}
		t.revisions[name] = m
	}
	return m
}

// forget reports whether the revision was known.
func (t *tracker) forget(name types.NamespacedName) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, known := t.revisions[name]
	delete(t.revisions, name)
	delete(t.loads, name)
	return known
}

// current is the number of pods that a Deployment was asked for last, by the
// cache or, if that is behind, by us.
func (m *memory) current(d *appsv1.Deployment) int {
	behind, err := resourceversion.CompareResourceVersion(d.ResourceVersion, m.asked.version)
	if err == nil && behind < 0 { // an error: nothing was asked yet
		return m.asked.replicas
	}
	return int(ptr.Deref(d.Spec.Replicas, 1)) // the API's default
}
