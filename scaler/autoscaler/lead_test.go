package autoscaler

import (
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// TestAnOldDrainDiesWithItsTerm: whoever led in between has put the pods back.
func TestAnOldDrainDiesWithItsTerm(t *testing.T) {
	w := busy(t)
	expect(t, "less load", w.step(31*time.Second, 14, 0), "mark pod-2")
	l := leader{Reconciler: w.Reconciler, enqueue: func(reconcile.Request) {}}
	if _, err := l.takeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, "marked anew", w.step(0, 14, 0), "mark pod-2")
	expect(t, "its time counts anew", w.step(drainMost-tick, 14, 0))
}
