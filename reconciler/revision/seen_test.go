package revision

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
)

func equal(a, b any) bool { return equality.Semantic.DeepEqual(a, b) }

// TestRole: only what the App says of the revision itself counts, and where that
// is nothing, it is wanted.
func TestRole(t *testing.T) {
	rev, other := newRevision(commitA), newRevision(commitB)
	for _, tc := range []struct {
		name     string
		app      *v1alpha1.App
		routed   bool
		replaced string
	}{
		{"the App is gone", nil, false, ""},
		{"nothing is said", newApp(head(other)), false, ""},
		{"of another", appWith(other, replaced), false, ""},
		{"live", appWith(rev, live), true, ""},
		{"kept, with its pods", appWith(rev, v1alpha1.RevisionRole{Role: v1alpha1.RoleKept, Warm: true}), true, ""},
		{"kept", appWith(rev, v1alpha1.RevisionRole{Role: v1alpha1.RoleKept, Message: "for a rollback"}), false, ""},
		{"replaced", appWith(rev, replaced), false, "commit bbbbbbbb replaced it"},
	} {
		seen := Seen{Revision: rev, App: tc.app}
		if got := seen.role().Routed(); got != tc.routed || seen.replaced() != tc.replaced {
			t.Errorf("%s: routed %v, replaced %q", tc.name, got, seen.replaced())
		}
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
	sibling := func(key string, change ...func(*v1alpha1.Revision)) v1alpha1.Revision {
		return *newRevision(commitB, append(change, keyed(key))...)
	}
	superseded := withBuilt(condition.False(v1alpha1.ReasonSuperseded, ""), v1alpha1.BuildStatus{}, "")
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
		{"one that a superseded sibling had", []v1alpha1.Revision{sibling("k1", superseded)}, []pipelines.TaskRun{run(rev.Name, "k1")}, rev.Name + "/k1"},
		{"sibling has another key", []v1alpha1.Revision{sibling("k2")}, []pipelines.TaskRun{run(rev.Name, "k1")}, rev.Name + "/k1"},
	} {
		var names []string
		for _, r := range (Seen{Revision: rev, Sharing: tc.siblings}).orphaned(tc.runs) {
			names = append(names, r.Name)
		}
		if got := strings.Join(names, " "); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}
