package revision

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
)

// buildCase is one row: what is seen, and what follows.
type buildCase struct {
	name    string
	rev     *v1alpha1.Revision
	run     *pipelines.TaskRun
	twin    *v1alpha1.Revision
	other   func(*Seen)
	state   v1alpha1.RevisionState
	action  runAction
	reason  string
	message string // a part of it
	readLog bool
	check   func(t *testing.T, s v1alpha1.RevisionStatus)
}

func (c buildCase) seen() Seen {
	seen := Seen{
		Revision: c.rev, App: newApp(head(c.rev)), Template: goTemplate(), Run: c.run,
		Repository: "registry/apps/team/hello", URL: "http://x",
	}
	seen.Key = keyFor(c.rev, seen.Template, nil)
	if c.run != nil {
		seen.Outcome = pipelines.Read(c.run)
	}
	if c.twin != nil {
		seen.Siblings, seen.Sharing = []v1alpha1.Revision{*c.twin}, []v1alpha1.Revision{*c.twin}
	}
	if c.other != nil {
		c.other(&seen)
	}
	return seen
}

func TestPlanBuild(t *testing.T) {
	plain := newRevision(commitA)
	key := keyFor(plain, goTemplate(), nil)
	image := "registry/apps/team/hello@" + digest
	failedRev := func(change ...func(*v1alpha1.Revision)) *v1alpha1.Revision {
		build := v1alpha1.BuildStatus{Key: key, Run: "hello-run", FailedStep: "build", LastLogLines: []string{"old line"}, FinishedAt: &metav1.MicroTime{Time: start}}
		return newRevision(commitA, append([]func(*v1alpha1.Revision){
			withBuilt(condition.False(v1alpha1.ReasonBuildFailed, "commit aaaaaaaa: boom"), build, "")}, change...)...)
	}
	twin := newRevision(commitB, withBuilt(condition.True(v1alpha1.ReasonBuildSucceeded, ""), v1alpha1.BuildStatus{Key: key}, image))
	waiting := newRevision(commitB, withBuilt(condition.Unknown(v1alpha1.ReasonBuilding, ""), v1alpha1.BuildStatus{Key: key}, ""))

	for _, tc := range []buildCase{
		{name: "a new one: one run is made", rev: plain,
			state: v1alpha1.StateQueued, action: createRun, reason: v1alpha1.ReasonQueued,
			check: func(t *testing.T, s v1alpha1.RevisionStatus) {
				if s.Build.Key != key || s.Build.Run != pipelines.RunName("hello", key) || s.Build.StartedAt == nil {
					t.Errorf("status.build = %+v", s.Build)
				}
			}},
		{name: "run waits", rev: plain, run: newRun(plain, 0), state: v1alpha1.StateQueued, action: equipRun, reason: v1alpha1.ReasonQueued, message: "waiting for Tekton"},
		{name: "run runs", rev: plain, run: newRun(plain, 0, running), state: v1alpha1.StateBuilding, reason: v1alpha1.ReasonBuilding, message: `step "build" is running`},
		{name: "run is done", rev: plain, run: newRun(plain, 0, done), state: v1alpha1.StateBuilt, action: unequipRun, reason: v1alpha1.ReasonBuildSucceeded,
			check: func(t *testing.T, s v1alpha1.RevisionStatus) {
				if s.Image != image || s.Build.FinishedAt == nil || s.URL != "http://x" {
					t.Errorf("status = %+v", s)
				}
			}},
		{name: "run failed", rev: plain, run: newRun(plain, 0, broken), other: func(s *Seen) { s.BuildLog = []string{"a", "main.go:3: undefined: x"} },
			state: v1alpha1.StateFailed, action: unequipRun, reason: v1alpha1.ReasonBuildFailed,
			message: `commit aaaaaaaa: step "build" failed with exit code 1: main.go:3: undefined: x`,
			check: func(t *testing.T, s v1alpha1.RevisionStatus) {
				if s.Build.FailedStep != "build" || len(s.Build.LastLogLines) != 2 || s.Build.FinishedAt == nil {
					t.Errorf("status.build = %+v", s.Build)
				}
			}},
		{name: "run failed, and the step tells the cause", rev: plain, run: newRun(plain, 0, told),
			other: func(s *Seen) { s.BuildLog = []string{"main.go:3: undefined: x", "\tgo get example.com/x"} },
			state: v1alpha1.StateFailed, action: unequipRun, reason: v1alpha1.ReasonBuildFailed,
			message: `commit aaaaaaaa: step "build" failed with exit code 1: main.go:3: undefined: x`},
		{name: "run failed, its log is not read yet", rev: plain, run: newRun(plain, 0, broken), state: v1alpha1.StateFailed, action: unequipRun, reason: v1alpha1.ReasonBuildFailed, readLog: true},
		{name: "failure is kept while the run is there", rev: failedRev(), run: newRun(plain, 0, broken),
			state: v1alpha1.StateFailed, reason: v1alpha1.ReasonBuildFailed, message: "old line"},
		{name: "failure is kept when the run is gone", rev: failedRev(), state: v1alpha1.StateFailed, reason: v1alpha1.ReasonBuildFailed, message: "boom"},
		{name: "a failed run that is older than the revision is made again", rev: plain, run: newRun(plain, -time.Minute, broken),
			state: v1alpha1.StateQueued, action: deleteRun, reason: v1alpha1.ReasonQueued},
		{name: "retry deletes the failed run", rev: failedRev(annotated(v1alpha1.AnnotationRetriedAt, "1")), run: newRun(plain, 0, broken),
			state: v1alpha1.StateQueued, action: deleteRun, reason: v1alpha1.ReasonQueued,
			check: func(t *testing.T, s v1alpha1.RevisionStatus) {
				if s.Build.Retried != "" {
					t.Error("the retry counts as done before a new run exists")
				}
			}},
		{name: "retry waits for the old run to go", rev: failedRev(annotated(v1alpha1.AnnotationRetriedAt, "1")),
			run:   newRun(plain, 0, broken, func(r *pipelines.TaskRun) { r.DeletionTimestamp = &metav1.Time{Time: start} }),
			state: v1alpha1.StateQueued, reason: v1alpha1.ReasonQueued, message: "earlier build run to go"},
		{name: "retry makes a new run", rev: failedRev(annotated(v1alpha1.AnnotationRetriedAt, "1")),
			state: v1alpha1.StateQueued, action: createRun, reason: v1alpha1.ReasonQueued,
			check: func(t *testing.T, s v1alpha1.RevisionStatus) {
				if s.Build.Retried != "1" || s.Build.FailedStep != "" || s.Build.LastLogLines != nil || s.Build.FinishedAt != nil {
					t.Errorf("status.build = %+v", s.Build)
				}
			}},
		{name: "a retry that was made is not made again", rev: failedRev(annotated(v1alpha1.AnnotationRetriedAt, "1"), func(r *v1alpha1.Revision) { r.Status.Build.Retried = "1" }),
			state: v1alpha1.StateFailed, reason: v1alpha1.ReasonBuildFailed},
		{name: "somebody cancelled the run", rev: plain, run: newRun(plain, 0, cancelled), state: v1alpha1.StateFailed, action: unequipRun, reason: v1alpha1.ReasonBuildFailed, message: "cancelled"},
		{name: "run was cancelled for another commit that came back", rev: plain,
			run:   newRun(plain, 0, cancelled, func(r *pipelines.TaskRun) { r.Annotations = map[string]string{annotationSuperseded: "true"} }),
			state: v1alpha1.StateQueued, action: deleteRun, reason: v1alpha1.ReasonQueued},
		{name: "sibling has the image", rev: plain, twin: twin, state: v1alpha1.StateBuilt, reason: v1alpha1.ReasonImageReused, message: twin.Name,
			check: func(t *testing.T, s v1alpha1.RevisionStatus) {
				if s.Image != image || s.Build.Run != "" {
					t.Errorf("image %q, run %q", s.Image, s.Build.Run)
				}
			}},
		{name: "registry has the image", rev: plain, other: func(s *Seen) { s.Pushed = &Pushed{Image: image} },
			state: v1alpha1.StateBuilt, reason: v1alpha1.ReasonImageReused, message: "registry"},
		{name: "run of a sibling with the same key is done", rev: plain,
			run:   newRun(plain, 0, done, func(r *pipelines.TaskRun) { r.Labels[v1alpha1.LabelRevision] = "hello-other" }),
			state: v1alpha1.StateBuilt, reason: v1alpha1.ReasonImageReused, message: "hello-other"},
		{name: "image given", rev: newRevision(commitA, func(r *v1alpha1.Revision) { r.Spec.Build, r.Spec.Image = nil, "x/y@"+digest }),
			other: func(s *Seen) { s.Template = nil }, state: v1alpha1.StateBuilt, reason: v1alpha1.ReasonImageProvided},
		{name: "no such template", rev: plain, other: func(s *Seen) {
			s.Template, s.Key, s.TemplateProblem = nil, "", "no such template"
		}, state: v1alpha1.StateFailed, reason: v1alpha1.ReasonTemplateNotFound, message: "no such template"},
		{name: "template went while the run goes on", rev: plain, run: newRun(plain, 0, running), other: func(s *Seen) {
			s.Template, s.TemplateProblem = nil, "gone"
		}, state: v1alpha1.StateBuilding, reason: v1alpha1.ReasonBuilding},
		{name: "unknown argument", rev: newRevision(commitA, func(r *v1alpha1.Revision) { r.Spec.Build.Args = map[string]string{"mian": "x"} }),
			state: v1alpha1.StateFailed, reason: v1alpha1.ReasonInvalidArgs, message: `did you mean "main"?`},
		{name: "superseded before a run was made", rev: plain, other: supersede, state: v1alpha1.StateSuperseded, reason: v1alpha1.ReasonSuperseded, message: "commit aaaaaaaa: commit bbbbbbbb replaced it"},
		{name: "superseded: the run is cancelled", rev: plain, run: newRun(plain, 0, running), other: supersede,
			state: v1alpha1.StateSuperseded, action: cancelRun, reason: v1alpha1.ReasonSuperseded},
		{name: "superseded: a run that another revision waits for goes on", rev: plain, run: newRun(plain, 0, running), twin: waiting, other: supersede,
			state: v1alpha1.StateSuperseded, reason: v1alpha1.ReasonSuperseded},
		{name: "superseded: a run that a revision has come to take over goes on", rev: plain, run: newRun(plain, 0, running), other: func(s *Seen) {
			supersede(s)
			s.Sharing = []v1alpha1.Revision{*newRevision(commitB, func(r *v1alpha1.Revision) { r.Spec.Source.Key = plain.Spec.Source.Key })}
		}, state: v1alpha1.StateSuperseded, reason: v1alpha1.ReasonSuperseded},
		{name: "superseded: a revision of other files needs another run", rev: plain, run: newRun(plain, 0, running), other: func(s *Seen) {
			supersede(s)
			s.Sharing = []v1alpha1.Revision{*newRevision(commitB)}
		}, state: v1alpha1.StateSuperseded, action: cancelRun, reason: v1alpha1.ReasonSuperseded},
		{name: "superseded: a run that is over is left", rev: plain, run: newRun(plain, 0, done), other: supersede,
			state: v1alpha1.StateSuperseded, reason: v1alpha1.ReasonSuperseded},
		{name: "a failed build stays failed when the commit is replaced", rev: failedRev(), other: supersede, state: v1alpha1.StateFailed, reason: v1alpha1.ReasonBuildFailed},
		{name: "an image is never given up", rev: newRevision(commitA, withBuilt(condition.True(v1alpha1.ReasonBuildSucceeded, ""), v1alpha1.BuildStatus{Key: key}, image)),
			run: newRun(plain, 0, broken), other: supersede, state: v1alpha1.StateBuilt, reason: v1alpha1.ReasonBuildSucceeded},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.verify(t) })
	}
}

func supersede(s *Seen) { s.App = appWith(s.Revision, replaced) }

func (c buildCase) verify(t *testing.T) {
	before := c.rev.DeepCopy()
	plan := PlanFor(c.seen(), start.Add(time.Second))
	if plan.Status.State != c.state || plan.action != c.action {
		t.Errorf("state %s, action %q; want %s, %q", plan.Status.State, plan.action, c.state, c.action)
	}
	if plan.readLog != c.readLog {
		t.Errorf("asks for the log: %v, want %v", plan.readLog, c.readLog)
	}
	built := condition.Get(plan.Status.Conditions, v1alpha1.ConditionBuilt)
	if built.Reason != c.reason || !strings.Contains(built.Message, c.message) {
		t.Errorf("Built = %s %q; want %s with %q", built.Reason, built.Message, c.reason, c.message)
	}
	want := map[v1alpha1.RevisionState]metav1.ConditionStatus{
		v1alpha1.StateQueued: "Unknown", v1alpha1.StateBuilding: "Unknown", v1alpha1.StateBuilt: "True",
		v1alpha1.StateFailed: "False", v1alpha1.StateSuperseded: "False"}[c.state]
	if built.Status != want {
		t.Errorf("Built is %s, want %s", built.Status, want)
	}
	if ready := condition.Get(plan.Status.Conditions, v1alpha1.ConditionReady); (plan.Status.Image == "") != (plan.Deployment == nil) || ready.Status == metav1.ConditionTrue {
		t.Errorf("image %q, deployment %v, ready %+v", plan.Status.Image, plan.Deployment != nil, ready)
	}
	if c.check != nil {
		c.check(t, plan.Status)
	}
	if again := before.DeepCopy(); !equal(again.Status, c.rev.Status) {
		t.Error("the plan changed its input")
	}
}
