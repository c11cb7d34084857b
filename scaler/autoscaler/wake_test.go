package autoscaler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/decide"
	"github.com/headway-dev/headway/scaler/park"
)

func TestAParkedPodIsWokenFirst(t *testing.T) {
	w, c := parkedWorld(t, 0, "p1", "p2")
	expect(t, "a request waits", w.step(0, 0, 1), "own p1")
	expect(t, "called", c.take(), "p1")
	if got, want := w.told(), "2026-01-01T00:00:00Z: 0 -> 1: a request woke it (parked pod)"; got != want {
		t.Errorf("annotation %q, want %q", got, want)
	}
	var pod corev1.Pod
	if err := w.api.Get(t.Context(), types.NamespacedName{Namespace: shop.Namespace, Name: "p1"}, &pod); err != nil {
		t.Fatal(err)
	}
	if !metav1.IsControlledBy(&pod, &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{UID: "revision"}}) || len(pod.OwnerReferences) != 1 {
		t.Errorf("owned by %v", pod.OwnerReferences)
	}
	expect(t, "it starts", w.step(time.Second, 0, 1))
	w.ready("p1")
	expect(t, "it runs", w.step(70*time.Second, 3, 0))
	expect(t, "nobody else is called", c.take())
	if got := gathered(t, "headway_autoscaler_parked_pods"); len(got) != 1 || got[0] != 1 {
		t.Errorf("parked: %v", got)
	}
	expect(t, "idle", w.step(31*time.Second, 0, 0), "delete p1")
	expect(t, "asleep", w.step(time.Minute, 0, 0))
}

func TestTheDeploymentHasWhatIsMissing(t *testing.T) {
	for _, tc := range []struct {
		name           string
		answers        map[string]error
		writes, called []string
		reason         string
	}{
		{"all accept", nil, []string{"own p1", "own p2", "scale 1" + by}, []string{"p1", "p2"}, " (2 parked pods)"},
		{"one runs already", map[string]error{"p1": park.ErrRefused}, []string{"own p1", "own p2", "scale 1" + by}, []string{"p1", "p2"}, " (2 parked pods)"},
		{"one denies", map[string]error{"p1": park.ErrDenied}, []string{"delete p1", "own p2", "scale 2" + by}, []string{"p1", "p2"}, " (parked pod)"},
		{"one is not reached", map[string]error{"p2": errUnreachable}, []string{"own p1", "scale 2" + by}, []string{"p1", "p2"}, " (parked pod)"},
		{"none is reached", map[string]error{"p1": errUnreachable, "p2": errUnreachable}, []string{"scale 3" + by}, []string{"p1", "p2"}, "to a pod"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, c := parkedWorld(t, 0, "p1", "p2")
			for uid, err := range tc.answers {
				c.answers[uid] = fmt.Errorf("waking: %w", err)
			}
			w.writes = nil
			w.actOn(t, decide.Decision{Replicas: 3, Reason: "7 to a pod"})
			expect(t, "writes", w.writes, tc.writes...)
			sortedCalls := c.take()
			if len(sortedCalls) == 2 && sortedCalls[0] > sortedCalls[1] { // two are called at the same time
				sortedCalls[0], sortedCalls[1] = sortedCalls[1], sortedCalls[0]
			}
			expect(t, "calls", sortedCalls, tc.called...)
			if got := w.told(); !strings.HasSuffix(got, tc.reason) {
				t.Errorf("annotation %q, want %q", got, tc.reason)
			}
		})
	}
}

func TestTheNextParkedPodIsTriedIfTheFirstIsNotReached(t *testing.T) {
	w, c := parkedWorld(t, 0, "p1", "p2")
	c.answers["p1"] = errUnreachable
	expect(t, "a request waits", w.step(0, 0, 1), "own p2")
	expect(t, "called", c.take(), "p1", "p2")
}

// TestAForeignPodWithTheLabelsIsLeftAlone: it is ready, older than all others,
// and empty.
func TestAForeignPodWithTheLabelsIsLeftAlone(t *testing.T) {
	for _, label := range []string{v1alpha1.StandbyParked, v1alpha1.StandbyWoken} {
		w, c := parkedWorld(t, 0, "p1")
		foreign := &corev1.Pod{ObjectMeta: meta("database-0")}
		foreign.Labels = map[string]string{v1alpha1.LabelApp: "shop", v1alpha1.LabelRevision: shop.Name, v1alpha1.LabelStandby: label}
		foreign.OwnerReferences = madeByReplicaSet("database")
		foreign.OwnerReferences[0].Kind, foreign.UID = "StatefulSet", "database-0"
		foreign.Status.PodIP = "10.0.0.9"
		foreign.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		if err := w.api.Create(t.Context(), foreign); err != nil {
			t.Fatal(err)
		}
		expect(t, "nothing to do", w.step(time.Second, 0, 0))
		expect(t, "a request waits", w.step(0, 0, 1), "own p1")
		w.ready("p1")
		expect(t, "it runs", w.step(70*time.Second, 3, 0))
		expect(t, "idle", w.step(31*time.Second, 0, 0), "delete p1")
		expect(t, "called", c.take(), "p1")
	}
}

// silent stands for pods whose network drops the calls.
type silent struct{ calls atomic.Int32 }

func (s *silent) Wake(ctx context.Context, _, _ string) error {
	s.calls.Add(1)
	<-ctx.Done()
	return ctx.Err()
}

// TestSilentPodsDelayNobody: the workers are for all revisions, so that a call
// without an answer may not hold one of them for long.
func TestSilentPodsDelayNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := parkedWorld(t, 0, "p1", "p2", "p3")
		s := &silent{}
		w.Waker = s
		took := func(what string, inFlight, queued int, want ...string) {
			t.Helper()
			began := time.Now()
			expect(t, what, w.step(0, inFlight, queued), want...)
			if d := time.Since(began); d > 300*time.Millisecond {
				t.Errorf("%s: it took %s", what, d)
			}
		}
		took("the Deployment is scaled without them", 0, 1, "scale 1"+by)
		took("nothing is missing", 0, 1)
		if n := s.calls.Load(); n != 1 {
			t.Errorf("%d calls", n)
		}
		w.ready("p1") // it had heard the call
		took("it counts", 0, 1, "own p1")
		w.restart("p1", "second")
		took("its application has crashed", 0, 1)
		took("it is not called again at once", 0, 1)
		if n := s.calls.Load(); n != 2 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestAStaleCacheWakesNobodyTwice(t *testing.T) {
	w, c := parkedWorld(t, 0, "p1", "p2")
	w.stale = true
	expect(t, "a request waits", w.step(time.Second, 0, 1), "own p1")
	expect(t, "called", c.take(), "p1")
}

func TestALabelThatCouldNotBeWrittenIsWrittenLater(t *testing.T) {
	w, c := parkedWorld(t, 0, "p1", "p2")
	w.refuse = errors.New("the API server is away")
	w.stream.Queued, w.stream.At = 1, w.now
	w.acts.reports = []decide.Report{w.stream}
	if _, err := w.Reconcile(t.Context(), ctrl.Request{NamespacedName: shop}); !errors.Is(err, w.refuse) {
		t.Fatalf("error %v", err)
	}
	w.refuse = nil
	expect(t, "again", w.step(0, 0, 1), "own p1")
	expect(t, "called", c.take(), "p1")
}

func TestASuccessorFindsThePodThatWasWoken(t *testing.T) {
	w, c := parkedWorld(t, 0, "p1", "p2")
	w.refuse = errors.New("killed")
	w.stream.Queued, w.stream.At = 1, w.now
	w.acts.reports = []decide.Report{w.stream}
	if _, err := w.Reconcile(t.Context(), ctrl.Request{NamespacedName: shop}); err == nil {
		t.Fatal("no error")
	}
	w.refuse = nil
	c.answers["p1"] = park.ErrRefused // its application starts
	w.restartAutoscaler()
	c.take()
	expect(t, "the successor", w.step(0, 0, 1), "own p1")
	expect(t, "called", c.take(), "p1")
}

func TestAPodThatAnActivatorHasWokenCounts(t *testing.T) {
	for _, withKey := range []bool{true, false} {
		w, _ := parkedWorld(t, 0, "p1", "p2")
		if !withKey {
			w.Waker = nil
		}
		w.ready("p1")
		expect(t, "it serves", w.step(0, 3, 0), "own p1")
		if diff := gathered(t, "headway_autoscaler_actual_pods"); len(diff) != 1 || diff[0] != 1 {
			t.Errorf("actual pods: %v", diff)
		}
	}
}

func TestWithoutAKeyNobodyIsWoken(t *testing.T) {
	w, _ := parkedWorld(t, 0, "p1")
	w.Waker = nil
	expect(t, "a request waits", w.step(0, 0, 1), "scale 1"+by)
}

func TestWhoStandsByWakesNobody(t *testing.T) {
	w, c := parkedWorld(t, 0, "p1")
	w.leading.Store(false)
	expect(t, "a request waits", w.step(time.Second, 0, 1))
	expect(t, "called", c.take())
}

func TestACrashedApplicationIsWokenAgain(t *testing.T) {
	w, c := parkedWorld(t, 0, "p1", "p2")
	w.step(0, 0, 1)
	w.ready("p1")
	w.step(5*time.Second, 1, 0)
	c.take()
	w.restart("p1", "second")
	expect(t, "the container is a new one", w.step(0, 0, 1))
	expect(t, "called", c.take(), "p1")
	c.answers["p1"] = park.ErrRefused
	expect(t, "it starts", w.step(3*time.Second, 0, 1))
	expect(t, "is asked again, now and then", c.take(), "p1")
	c.answers["p1"] = park.ErrDenied
	expect(t, "it has another key", w.step(2*time.Second, 0, 1), "delete p1", "own p2")
}

func TestAWokenPodThatDoesNotStartIsReplaced(t *testing.T) {
	w, c := parkedWorld(t, 0, "p1", "p2")
	w.step(0, 0, 1)
	expect(t, "it starts", w.step(startLimit-tick, 0, 1))
	c.take()
	expect(t, "its time is over", w.step(2*tick, 0, 1), "delete p1", "own p2")
}

func TestAWokenPodThatIsDeletedByHandIsReplaced(t *testing.T) {
	w, c := parkedWorld(t, 0, "p1", "p2")
	w.step(0, 0, 1)
	w.ready("p1")
	w.step(5*time.Second, 1, 0)
	if err := w.api.Delete(t.Context(), &corev1.Pod{ObjectMeta: meta("p1")}); err != nil {
		t.Fatal(err)
	}
	c.take()
	expect(t, "under load", w.step(0, 1, 0), "own p2")
	expect(t, "called", c.take(), "p2")
}

// mixed is a busy world with two pods of the Deployment and two woken ones.
func mixed(t *testing.T) *world {
	w, _ := parkedWorld(t, 2, "p1", "p2")
	expect(t, "growing", w.step(0, 0, 0))
	w.actOn(t, decide.Decision{Replicas: 4})
	w.ready("p1")
	w.ready("p2")
	expect(t, "steady", w.step(80*time.Second, 28, 0))
	w.addStandby("p3", w.now) // takes no part
	w.acts.pods = map[string]int{"pod-0": 4, "pod-1": 6, "p1": 1, "p2": 3}
	return w
}

func TestTheEmptiestGoWhereverTheyAre(t *testing.T) {
	for _, tc := range []struct {
		name        string
		pods        map[string]int
		mark, taken []string
	}{
		{"a woken one", map[string]int{"pod-0": 4, "pod-1": 6, "p1": 1, "p2": 3},
			[]string{"mark p1"}, []string{"delete p1"}},
		{"one of the Deployment", map[string]int{"pod-0": 4, "pod-1": 1, "p1": 6, "p2": 3},
			[]string{"mark pod-1"}, []string{"scale 1" + by}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := mixed(t)
			w.acts.pods = tc.pods
			expect(t, "less load", w.step(31*time.Second, 14, 0), tc.mark...)
			expect(t, "its time is over", w.step(drainMost, 14, 0), tc.taken...)
			expect(t, "stays so", w.step(2*time.Second, 21, 0))
		})
	}
}

// TestACrashChangesWhoGoes: the crash is known only after a pod was chosen.
func TestACrashChangesWhoGoes(t *testing.T) {
	w := mixed(t)
	expect(t, "less load", w.step(31*time.Second, 14, 0), "mark p1")
	w.restart("p2", "second")
	w.now = w.now.Add(drainLook)
	expect(t, "another goes", w.step(0, 14, 0), "mark p2", "put back p1")
	expect(t, "its time counts anew", w.step(drainMost-tick, 14, 0))
	expect(t, "its time is over", w.step(tick, 14, 0), "delete p2")
}

func TestADecisionTakesBothKindsAway(t *testing.T) {
	w := mixed(t)
	w.writes = nil
	w.acts.pods = map[string]int{"pod-0": 4, "pod-1": 1, "p1": 6, "p2": 1}
	w.actOn(t, decide.Decision{Replicas: 2})
	expect(t, "marked", w.writes, "mark p2", "mark pod-1")
	w.writes, w.now = nil, w.now.Add(drainMost)
	w.actOn(t, decide.Decision{Replicas: 2})
	expect(t, "taken away", w.writes, "delete p2", "scale 1"+by)
	w.writes = nil
	w.actOn(t, decide.Decision{Replicas: 0})
	expect(t, "all", w.writes, "delete p1", "scale 0"+by)
}

func TestAMarkedWokenPodIsPutBackByASuccessor(t *testing.T) {
	w := mixed(t)
	expect(t, "less load", w.step(31*time.Second, 14, 0), "mark p1")
	w.restartAutoscaler()
	l := leader{Reconciler: w.Reconciler, enqueue: func(ctrl.Request) {}}
	if _, err := l.takeOver(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect(t, "put back", w.writes[1:], "put back p1")
	expect(t, "no history, nothing goes", w.step(30*time.Second, 14, 0))
}

func TestMissingPodsAreTheFirstToGo(t *testing.T) {
	w := busy(t)
	w.actOn(t, decide.Decision{Replicas: 5}) // the fifth does not come to be
	w.writes = nil
	w.actOn(t, decide.Decision{Replicas: 3})
	expect(t, "one more", w.writes, "mark pod-2")
}
