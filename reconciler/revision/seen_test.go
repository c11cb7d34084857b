package revision

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
)

func equal(a, b any) bool { return equality.Semantic.DeepEqual(a, b) }

func TestReplacedBy(t *testing.T) {
	rev := newRevision(commitA)
	newer := newRevision(commitB, func(r *v1alpha1.Revision) { r.CreationTimestamp = metav1.NewTime(start.Add(time.Second)) })
	older := newRevision(commitB, func(r *v1alpha1.Revision) { r.CreationTimestamp = metav1.NewTime(start.Add(-time.Second)) })
	was := newApp(head(newer))
	was.Spec.History = []string{newer.Name, rev.Name}
	pinned := newApp(head(newer))
	pinned.Spec.Pin = rev.Name
	for _, tc := range []struct {
		name    string
		app     *v1alpha1.App
		weight  int32
		sibling *v1alpha1.Revision
		age     time.Duration
		want    string
		wait    time.Duration
	}{
		{name: "is the head", app: newApp(head(rev)), age: time.Hour},
		{name: "app is gone", age: time.Hour},
		{name: "is pinned", app: pinned, sibling: newer, age: time.Hour},
		{name: "has traffic", app: newApp(head(newer)), weight: 1, sibling: newer, age: time.Hour},
		{name: "a younger revision is the head", app: newApp(head(newer)), sibling: newer, age: time.Second, want: "commit bbbbbbbb replaced it"},
		{name: "the App is behind: its head is older", app: newApp(head(older)), sibling: older, age: time.Second, wait: 9 * time.Second},
		{name: "forced back to an older commit", app: newApp(head(older)), sibling: older, age: settle, want: "commit bbbbbbbb replaced it"},
		{name: "the App has known it, in the same second", app: was, age: 0, want: "commit bbbbbbbb replaced it"},
		{name: "the head is not there yet", app: newApp(head(newer)), age: time.Second, wait: 9 * time.Second},
		{name: "the App does not know its ref yet", app: newApp(), age: 3 * time.Second, wait: 7 * time.Second},
		{name: "its ref is gone", app: newApp(), age: settle, want: "is gone"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var siblings []v1alpha1.Revision
			if tc.sibling != nil {
				siblings = append(siblings, *tc.sibling)
			}
			got, wait := replacedBy(rev, tc.app, tc.weight, siblings, start.Add(tc.age))
			if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) || wait != tc.wait {
				t.Errorf("got %q, %v; want %q, %v", got, wait, tc.want, tc.wait)
			}
		})
	}
}

func TestKeyFor(t *testing.T) {
	newTemplate := goTemplate()
	newTemplate.Version = "newer"
	plain := newRevision(commitA)
	oldKey := keyFor(plain, goTemplate(), nil)
	newKey := keyFor(plain, newTemplate, nil)
	if oldKey == newKey {
		t.Fatal("the key does not depend on the template")
	}
	unbuilt := withBuilt(condition.Unknown(v1alpha1.ReasonBuilding, ""), v1alpha1.BuildStatus{Key: oldKey}, "")
	failed := withBuilt(condition.False(v1alpha1.ReasonBuildFailed, ""), v1alpha1.BuildStatus{Key: oldKey}, "")
	oldRun := []pipelines.TaskRun{*newRun(plain, 0)}
	for _, tc := range []struct {
		name     string
		rev      *v1alpha1.Revision
		template *pipelines.Template
		runs     []pipelines.TaskRun
		want     string
	}{
		{"image given", newRevision(commitA, func(r *v1alpha1.Revision) { r.Spec.Build = nil }), newTemplate, nil, ""},
		{"no template", plain, nil, nil, ""},
		{"no template any more", newRevision(commitA, unbuilt), nil, nil, oldKey},
		{"not begun", plain, newTemplate, nil, newKey},
		{"under way", newRevision(commitA, unbuilt), newTemplate, oldRun, oldKey},
		{"run was lost", newRevision(commitA, unbuilt), newTemplate, nil, newKey},
		{"failed", newRevision(commitA, failed), newTemplate, nil, oldKey},
		{"retry takes the new template", newRevision(commitA, failed, annotated(v1alpha1.AnnotationRetriedAt, "1")), newTemplate, oldRun, newKey},
	} {
		if got := keyFor(tc.rev, tc.template, tc.runs); got != tc.want {
			t.Errorf("%s: got %.8s, want %.8s", tc.name, got, tc.want)
		}
	}
}

func TestOrphaned(t *testing.T) {
	long := func(key string) string { return strings.Repeat(key, 32) }
	keyed := func(key string) func(*v1alpha1.Revision) {
		return func(r *v1alpha1.Revision) { r.Status.Build = &v1alpha1.BuildStatus{Key: long(key)} }
	}
	run := func(revision, key string) pipelines.TaskRun {
		var r pipelines.TaskRun
		r.Name = revision + "/" + key
		r.Labels = map[string]string{v1alpha1.LabelRevision: revision, v1alpha1.LabelBuildKey: pipelines.KeyLabel(long(key))}
		return r
	}
	rev := newRevision(commitA, keyed("k1"))
	sibling := func(key string) v1alpha1.Revision { return *newRevision(commitB, keyed(key)) }
	for _, tc := range []struct {
		name     string
		siblings []v1alpha1.Revision
		runs     []pipelines.TaskRun
		want     string
	}{
		{"its own", nil, []pipelines.TaskRun{run(rev.Name, "k1"), run("other", "k2")}, rev.Name + "/k1"},
		{"one of an earlier key", nil, []pipelines.TaskRun{run(rev.Name, "k0")}, rev.Name + "/k0"},
		{"one that it shared with a revision that is gone", nil, []pipelines.TaskRun{run("gone", "k1")}, "gone/k1"},
		{"one that a sibling needs", []v1alpha1.Revision{sibling("k1")}, []pipelines.TaskRun{run(rev.Name, "k1")}, ""},
		{"sibling has another key", []v1alpha1.Revision{sibling("k2")}, []pipelines.TaskRun{run(rev.Name, "k1")}, rev.Name + "/k1"},
	} {
		var names []string
		for _, r := range orphaned(rev, tc.siblings, tc.runs) {
			names = append(names, r.Name)
		}
		if got := strings.Join(names, " "); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}
