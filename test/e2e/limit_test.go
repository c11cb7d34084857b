//go:build e2e

package e2e

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestLimit: no pod ever has more requests than scale.limit, whichever of three
// activators they come through, and while one of them leaves and another comes.
// The others wait, none is refused.
func TestLimit(t *testing.T) {
	const limit, activator = 3, "headway-activator"
	tm := newTeam(t)
	revision := tm.startMeter("{limit: 3, concurrency: 3, min: 1, max: 2}")
	restore := tm.scaleSystem(activator, 3)
	var crowds []*load
	work := tm.url("meter") + "work?for=50ms"
	activators := tm.waitPods(activator, 3)
	for _, pod := range activators {
		crowds = append(crowds, startCrowdAt(t, pod.Status.PodIP+":8080", work, 8))
	}
	crowds = append(crowds, startCrowd(t, work, 10))
	tm.waitReady(revision, 2)
	time.Sleep(4 * time.Second) // of load on both pods

	// Nobody asks at the address of the one that leaves when it is gone.
	answers := crowds[0].wantNoneFailed(t)
	if err := kube.Delete(t.Context(), &activators[0]); client.IgnoreNotFound(err) != nil {
		t.Fatalf("deleting an activator: %v", err)
	}
	tm.waitPods(activator, 3)
	time.Sleep(2 * time.Second)
	for _, crowd := range crowds[1:] {
		answers = append(answers, crowd.wantNoneFailed(t)...)
	}
	restore()

	most := 0
	for _, a := range answers {
		n, err := strconv.Atoi(strings.TrimSpace(a.Body))
		if err != nil {
			t.Fatalf("the app answered %q", a.Body)
		}
		most = max(most, n)
	}
	if most != limit {
		t.Errorf("a pod had %d requests at a time, want %d", most, limit)
	}
	tm.waitPods(activator, 2)
}
