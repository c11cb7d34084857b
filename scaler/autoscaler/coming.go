package autoscaler

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/decide"
)

// told is the load of a revision as its last decision saw it.
type told struct {
	since time.Time // of the first decision
	load  decide.Load
}

// tell leaves the load of a revision for the decisions about others of its app.
func (t *tracker) tell(name types.NamespacedName, d decide.Decision, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before, known := t.loads[name]
	if !known {
		before.since = now
	}
	before.load = d.Stable.Most(d.Burst)
	if t.loads == nil {
		t.loads = map[types.NamespacedName]told{}
	}
	t.loads[name] = before
}

// coming is the traffic that a revision is about to get, beside what comes to
// all revisions of its app. That is known when each that has traffic was seen
// for a panic window: averages over a shorter time say too little.
func (t *tracker) coming(name types.NamespacedName, app *v1alpha1.App, now time.Time) decide.Coming {
	role := app.Status.Revision(name.Name)
	if role == nil || role.Coming == 0 {
		return decide.Coming{}
	}
	c := decide.Coming{Part: float64(role.Coming) / v1alpha1.Whole, Known: true}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range app.Status.Revisions {
		if r.Weight == 0 {
			continue
		}
		l, known := t.loads[types.NamespacedName{Namespace: name.Namespace, Name: r.Name}]
		c.Known = c.Known && known && now.Sub(l.since) >= decide.PanicWindow
		c.App = c.App.Plus(l.load)
	}
	return c
}

// carry says on the Revision which part of the traffic its pods can carry. It is
// written when it becomes enough or too little, not with each request more, and
// taken off when nothing is about to come: what was true once is not true for
// the next time.
func (r *Reconciler) carry(ctx context.Context, v *view, d decide.Decision) error {
	was := int32(0)
	if s := v.revision.Status.Scaling; s != nil {
		was = s.Carries
	}
	need := v.seen.Coming.Part * v1alpha1.Whole
	is := int32(d.Carries * v1alpha1.Whole)
	if enough := need > 0 && float64(is) >= need; !enough {
		is = 0
	}
	if is == was || is > 0 && float64(was) >= need {
		return nil
	}
	rev := &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: v.revision.Namespace, Name: v.revision.Name}}
	patch := fmt.Appendf(nil, `{"status":{"scaling":{"carries":%d}}}`, is)
	if v.revision.Status.Scaling == nil { // its first pods came with the Deployment
		patch = fmt.Appendf(nil, `{"status":{"scaling":{"from":0,"to":%d,"reason":"its first pods","at":%q,"carries":%d}}}`,
			v.seen.Replicas, r.Now().UTC().Format(metav1.RFC3339Micro), is)
	}
	if err := r.Client.Status().Patch(ctx, rev, client.RawPatch(types.MergePatchType, patch), apply.Autoscaler); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("saying what revision %s carries: %w", rev.Name, err)
	}
	return nil
}
