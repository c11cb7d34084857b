package eventing

import (
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/delivery"
)

func TestEventRun(t *testing.T) {
	at := time.Unix(1765000000, 500)
	begun := cursor.Run{To: 20, Started: at}
	done := cursor.Run{To: 20, Started: at, Finished: at.Add(time.Minute), Gone: 3, Note: "5 are gone"}
	started, finished := new(metav1.NewTime(time.Unix(1765000000, 0))), new(metav1.NewTime(time.Unix(1765000060, 0)))
	tests := []struct {
		name     string
		problem  runProblem
		progress delivery.RunStatus
		want     v1alpha1.EventRun
	}{
		{"runs", runProblem{}, delivery.RunStatus{Run: begun, Counts: cursor.Counts{Delivered: 3, Filtered: 2, Dead: 1}, Left: 14},
			v1alpha1.EventRun{State: v1alpha1.RunRunning, Delivered: 3, Filtered: 2, Dead: 1, Left: 14, Started: started}},
		{"fails", runProblem{}, delivery.RunStatus{Run: begun, Left: 20, LastFailure: delivery.Failure{Event: "17", Message: "answered 500"}},
			v1alpha1.EventRun{State: v1alpha1.RunRunning, Left: 20, Started: started, Message: "the newest failure, event 17: answered 500"}},
		{"done", runProblem{}, delivery.RunStatus{Run: done, Counts: cursor.Counts{Delivered: 17, Dead: 3}, LastFailure: delivery.Failure{Message: "answered 500"}},
			v1alpha1.EventRun{State: v1alpha1.RunDone, Delivered: 17, Dead: 3, Started: started, Finished: finished,
				Message: "3 events were not kept until they were delivered; 5 are gone"}},
		{"waits before it begins", runProblem{message: "no app"}, delivery.RunStatus{},
			v1alpha1.EventRun{State: v1alpha1.RunWaiting, Message: "no app"}},
		{"waits", runProblem{message: "no app"}, delivery.RunStatus{Run: begun, Left: 20},
			v1alpha1.EventRun{State: v1alpha1.RunWaiting, Message: "no app", Left: 20, Started: started}},
		{"impossible", runProblem{"no such event", true}, delivery.RunStatus{},
			v1alpha1.EventRun{State: v1alpha1.RunFailed, Message: "no such event"}},
		{"done before it became impossible", runProblem{"no deadLetter", true}, delivery.RunStatus{Run: done, Counts: cursor.Counts{Delivered: 20}},
			v1alpha1.EventRun{State: v1alpha1.RunDone, Delivered: 20, Started: started, Finished: finished,
				Message: "3 events were not kept until they were delivered; 5 are gone"}},
	}
	for _, tt := range tests {
		tt.want.Name = "fixed"
		if d := diff.Diff(&tt.want, eventRun("fixed", tt.problem, tt.progress)); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, d)
		}
	}
}

// The status alone is enough to do nothing twice; what is impossible is tried again
// when the spec changes.
func TestRunIsOver(t *testing.T) {
	for _, tt := range []struct {
		state              v1alpha1.RunState
		seen, want, stands bool
	}{
		{v1alpha1.RunDone, true, true, true}, {v1alpha1.RunDone, false, true, true},
		{v1alpha1.RunFailed, true, true, true}, {v1alpha1.RunFailed, false, false, true},
		{v1alpha1.RunRunning, true, false, false}, {v1alpha1.RunWaiting, true, false, false},
	} {
		object := &v1alpha1.Subscription{ObjectMeta: metav1.ObjectMeta{Generation: 2}, Status: v1alpha1.SubscriptionStatus{ObservedGeneration: 1}}
		if tt.seen {
			object.Status.ObservedGeneration = 2
		}
		before := &v1alpha1.EventRun{Name: "fixed", State: tt.state}
		if got := over(before, object); got != tt.want {
			t.Errorf("%s, seen %v: over is %v", tt.state, tt.seen, got)
		}
		if stopped := stoppedRun(before); (stopped.State == tt.state && stopped.Message == "") != tt.stands {
			t.Errorf("%s, not named any more: %+v", tt.state, stopped)
		}
	}
	if stoppedRun(nil) != nil {
		t.Error("there was none")
	}
}

func TestHostOf(t *testing.T) {
	route := &v1alpha1.Route{}
	route.Spec.RevisionHosts = []v1alpha1.RevisionHost{
		{Host: "main-shop.example.com", Revision: "shop-1"}, {Host: "shop-1.example.com", Revision: "shop-1"}, {Host: "tag-shop.example.com", Revision: "shop-2"},
	}
	for revision, want := range map[string]string{"shop-1": "shop-1.example.com", "shop-2": "tag-shop.example.com", "shop-3": "", "": ""} {
		if got := hostOf(route, revision); got != want {
			t.Errorf("%q: %q, want %q", revision, got, want)
		}
	}
}
