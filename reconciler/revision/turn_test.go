package revision

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/buildqueue"
)

// of is a revision of another app and Repository.
func of(repository string) func(*v1alpha1.Revision) {
	return func(rev *v1alpha1.Revision) {
		rev.Name, rev.Spec.App, rev.Spec.Repository = repository+"-"+rev.Spec.Commit[:8], repository, repository
		rev.UID = ""
	}
}

func deleting(run *pipelines.TaskRun) {
	run.DeletionTimestamp, run.Finalizers = &metav1.Time{Time: start}, []string{"foreground"}
}

func asked(run *pipelines.TaskRun) { pipelines.Cancel(run) }

// TestSlots: a build starts only while fewer than Slots are under way, and one
// that is as good as over does not count.
func TestSlots(t *testing.T) {
	for _, tc := range []struct {
		name  string
		other func(*pipelines.TaskRun)
		waits bool
	}{
		{"another one runs", running, true},
		{"another one has not begun", func(*pipelines.TaskRun) {}, true},
		{"it is done", done, false},
		{"it failed", broken, false},
		{"it was cancelled, and is ending", asked, false},
		{"it is being deleted", deleting, false},
		{"it only removes a cache", func(run *pipelines.TaskRun) {
			*run = *pipelines.ForgetRunFor(newRevision(commitA), "headway-builds")
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rev, other := newRevision(commitA), newRevision(commitB, of("other"))
			b := newBench(t, rev, other, goTask(), newRun(other, 0, tc.other))
			b.Slots = 1
			got, built := b.built(rev)
			if waits := len(b.runNames()) == 1; waits != tc.waits || (built.Reason == v1alpha1.ReasonWaitingForSlot) != tc.waits {
				t.Fatalf("runs %v, Built = %+v", b.runNames(), built)
			}
			if tc.waits && (built.Message != "waiting for a build slot (next)" || got.Status.State != v1alpha1.StateQueued || got.Status.Build.Run != "") {
				t.Errorf("%s, Built = %+v, %+v", got.Status.State, built, got.Status.Build)
			}
		})
	}
}

// TestQueueMoves: each end of a build starts the next one, who waits is told its
// new place, and nothing is asked of others meanwhile.
func TestQueueMoves(t *testing.T) {
	b := newBench(t, goTask())
	b.Slots = 1
	var revisions []*v1alpha1.Revision
	for i := range 4 {
		rev := newRevision(commitA, of(fmt.Sprintf("r%d", i)))
		if err := b.Client.Create(t.Context(), rev); err != nil {
			t.Fatal(err)
		}
		revisions = append(revisions, rev)
		b.built(rev)
	}
	b.registry = errors.New("nobody should ask")
	places := func() (out []string) {
		for _, rev := range revisions {
			_, built := b.get(rev)
			out = append(out, strings.TrimPrefix(built.Message, "waiting for a build slot "))
		}
		return out
	}
	const runs = "waiting for Tekton to start the build"
	for i, want := range [][]string{
		{runs, "(next)", "(1 before it)", "(2 before it)"},
		{runs, runs, "(next)", "(1 before it)"},
		{runs, runs, runs, "(next)"},
		{runs, runs, runs, runs},
	} {
		if diff := cmp.Diff(want, places()); diff != "" {
			t.Fatalf("after %d ends (-want +got)\n%s", i, diff)
		}
		if i == 3 {
			break
		}
		_, key := b.get(revisions[i])
		if key.Reason != v1alpha1.ReasonQueued {
			t.Fatalf("%+v", key)
		}
		before := b.runOf(revisions[i])
		after := before.DeepCopy()
		done(after)
		if !slotFreed().Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after}) {
			t.Fatal("the end of a run is not looked at")
		}
		if err := b.Client.Update(t.Context(), after); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the first starts and thereby moves the others
			for _, request := range b.moved(t.Context(), nil) {
				if _, err := b.Reconcile(t.Context(), request); err != nil {
					t.Fatal(err)
				}
			}
		}
		if again := b.moved(t.Context(), nil); len(again) > 0 {
			t.Errorf("woken without need: %v", again)
		}
	}
}

// runOf is the build run of a revision.
func (b *bench) runOf(rev *v1alpha1.Revision) *pipelines.TaskRun {
	b.t.Helper()
	got, _ := b.get(rev)
	var run pipelines.TaskRun
	run.Namespace, run.Name = "headway-builds", got.Status.Build.Run
	if err := b.Client.Get(b.t.Context(), client.ObjectKeyFromObject(&run), &run); err != nil {
		b.t.Fatal(err)
	}
	return &run
}

// TestSlotOfARunThatTheCacheDoesNotShow is taken; that of one which could not be
// made is not.
func TestSlotOfARunThatTheCacheDoesNotShow(t *testing.T) {
	for _, tc := range []struct {
		name  string
		err   error
		waits bool
	}{
		{"made", apierrors.NewAlreadyExists(schema.GroupResource{}, "x"), true},
		{"not made", apierrors.NewInternalError(errors.New("away")), false},
		{"refused", apierrors.NewForbidden(schema.GroupResource{}, "x", errors.New("quota")), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rev, other := newRevision(commitA), newRevision(commitB, of("other"))
			b := newBench(t, rev, other, goTask())
			b.Slots, b.createErr = 1, tc.err
			_, _ = b.reconcile(other)
			b.createErr = nil
			if _, built := b.built(rev); (built.Reason == v1alpha1.ReasonWaitingForSlot) != tc.waits {
				t.Errorf("Built = %+v", built)
			}
		})
	}
}

// TestClaimsEnd: one whose run never shows counts for a minute.
func TestClaimsEnd(t *testing.T) {
	b := newBench(t)
	b.Slots = 1
	b.slots.claimed = map[string]buildqueue.Build{"lost": {Name: "lost", Since: start}}
	for age, free := range map[time.Duration]int{time.Second: 0, 2 * claimLasts: 1} {
		if q, err := b.queue(t.Context(), start.Add(age)); err != nil || q.free != free {
			t.Errorf("after %s %d slots are free, want %d (%v)", age, q.free, free, err)
		}
	}
}

// TestWhoWaitsNoMore holds nobody up.
func TestWhoWaitsNoMore(t *testing.T) {
	waits := withBuilt(condition.Unknown(v1alpha1.ReasonWaitingForSlot, ""), v1alpha1.BuildStatus{Key: strings.Repeat("0", 64)}, "")
	preview := func(rev *v1alpha1.Revision) { rev.Spec.Preview = &v1alpha1.BuiltFor{App: "shop"} }
	going := newApp()
	going.Name, going.DeletionTimestamp, going.Finalizers = "closed", &metav1.Time{Time: start}, []string{"teardown"}
	gone := newRevision(commitB, of("gone"), waits)
	gone.DeletionTimestamp, gone.Finalizers = &metav1.Time{Time: start}, []string{v1alpha1.FinalizerCleanup}
	rev := newRevision(commitA)
	b := newBench(t, rev, going, gone, newRevision(commitB, of("closed"), waits, preview), goTask())
	b.Slots = 1
	if _, built := b.built(rev); built.Reason != v1alpha1.ReasonQueued {
		t.Errorf("Built = %+v", built)
	}
}

func TestQueueChanged(t *testing.T) {
	waits := newRevision(commitA, withBuilt(condition.Unknown(v1alpha1.ReasonWaitingForSlot, ""), v1alpha1.BuildStatus{}, ""))
	starts := newRevision(commitA, withBuilt(condition.Unknown(v1alpha1.ReasonQueued, ""), v1alpha1.BuildStatus{}, ""))
	p := queueChanged()
	for name, tc := range map[string]struct{ got, want bool }{
		"it comes":        {p.Update(event.UpdateEvent{ObjectOld: starts, ObjectNew: waits}), true},
		"it goes":         {p.Update(event.UpdateEvent{ObjectOld: waits, ObjectNew: starts}), true},
		"its place moves": {p.Update(event.UpdateEvent{ObjectOld: waits, ObjectNew: waits}), false},
		"it is deleted":   {p.Delete(event.DeleteEvent{Object: waits}), true},
		"another goes":    {p.Delete(event.DeleteEvent{Object: starts}), false},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: %v", name, tc.got)
		}
	}
}

// TestRetryWaitsToo: it has not begun before its run is made.
func TestRetryWaitsToo(t *testing.T) {
	rev := newRevision(commitA, annotated(v1alpha1.AnnotationRetriedAt, "1"),
		withBuilt(condition.False(v1alpha1.ReasonBuildFailed, ""), v1alpha1.BuildStatus{Key: keyFor(newRevision(commitA), goTemplate(), nil), Run: "old", Failures: 3, LastLogLines: []string{"boom"}}, ""))
	other := newRevision(commitB, of("other"))
	b := newBench(t, rev, other, goTask(), newRun(other, 0, running))
	b.Slots = 1
	got, built := b.built(rev)
	if built.Reason != v1alpha1.ReasonWaitingForSlot || !got.RetryAsked() || got.Status.Build.Run != "" || len(got.Status.Build.LastLogLines) > 0 {
		t.Errorf("Built = %+v, %+v", built, got.Status.Build)
	}
	b.Slots = 2
	if got, built = b.built(rev); built.Reason != v1alpha1.ReasonQueued || got.RetryAsked() || got.Status.Build.Failures != 0 {
		t.Errorf("Built = %+v, %+v", built, got.Status.Build)
	}
}

func TestTurnSays(t *testing.T) {
	for before, want := range map[int]string{
		0: "waiting for a build slot (next)", 3: "waiting for a build slot (3 before it)", placesTold: "waiting for a build slot (20 or more before it)",
	} {
		if got := (Turn{Before: before}).String(); got != want {
			t.Errorf("%d: %s", before, got)
		}
	}
}
