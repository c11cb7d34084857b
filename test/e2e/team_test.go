//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/test/localcluster"
)

// team is a namespace with credentials for the git server.
type team struct {
	*testing.T
	namespace string
}

// secretName is the Secret with the git credentials in every team's namespace.
const secretName = "git"

func newTeam(t *testing.T) *team {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-"}}
	if err := kube.Create(t.Context(), namespace); err != nil {
		t.Fatalf("creating a namespace: %v", err)
	}
	tm := &team{T: t, namespace: namespace.Name}
	t.Logf("namespace %s", tm.namespace)
	t.Cleanup(func() {
		if t.Failed() {
			tm.dump()
		}
		if err := kube.Delete(context.Background(), namespace); err != nil {
			t.Errorf("deleting namespace %s: %v", tm.namespace, err)
		}
	})
	tm.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: tm.namespace, Name: secretName},
		StringData: map[string]string{"username": layout.GitUser, "password": cluster.GitPassword},
	})
	return tm
}

func (tm *team) create(object client.Object) {
	tm.Helper()
	if err := kube.Create(tm.Context(), object); err != nil {
		tm.Fatalf("creating %s: %v", object.GetName(), err)
	}
}

// get reads an object of the team's namespace.
func (tm *team) get(name string, object client.Object) error {
	return kube.Get(tm.Context(), client.ObjectKey{Namespace: tm.namespace, Name: name}, object)
}

func (tm *team) app(name string) (*v1alpha1.App, error) {
	app := &v1alpha1.App{}
	return app, tm.get(name, app)
}

// revision finds what a commit became in an app.
func (tm *team) revision(app, commit string) (*v1alpha1.Revision, error) {
	revision := &v1alpha1.Revision{}
	return revision, tm.get(revisionName(app, commit), revision)
}

func revisionName(app, commit string) string { return app + "-" + commit[:8] }

// mustRevision reads a revision that has to be there.
func (tm *team) mustRevision(app, commit string) *v1alpha1.Revision {
	tm.Helper()
	revision, err := tm.revision(app, commit)
	if err != nil {
		tm.Fatalf("reading the revision of %s: %v", commit[:8], err)
	}
	return revision
}

// waitLive waits until all traffic of an app goes to a commit's revision.
func (tm *team) waitLive(app, commit string) *v1alpha1.App {
	tm.Helper()
	var seen *v1alpha1.App
	eventually(tm.T, built, fmt.Sprintf("%s of %s is live", commit[:8], app), func() (err error) {
		if seen, err = tm.app(app); err != nil {
			return err
		}
		if revision, err := tm.revision(app, commit); err == nil {
			if built := meta.FindStatusCondition(revision.Status.Conditions, v1alpha1.ConditionBuilt); built != nil && built.Status == metav1.ConditionFalse {
				tm.Fatalf("the build failed: %s: %s", built.Reason, built.Message)
			}
		}
		return want("the live revision", seen.Status.Live, revisionName(app, commit))
	})
	return seen
}

// condition is an error unless the object's condition has status and reason.
func condition(conditions []metav1.Condition, kind string, status metav1.ConditionStatus, reason string) error {
	seen := meta.FindStatusCondition(conditions, kind)
	if seen == nil {
		return fmt.Errorf("no condition %s yet", kind)
	}
	if seen.Status != status || seen.Reason != reason {
		return fmt.Errorf("%s is %s/%s (%s), want %s/%s", kind, seen.Status, seen.Reason, seen.Message, status, reason)
	}
	return nil
}

// message is the message of a condition; empty when it is not there.
func message(conditions []metav1.Condition, kind string) string {
	if seen := meta.FindStatusCondition(conditions, kind); seen != nil {
		return seen.Message
	}
	return ""
}

var taskRuns = schema.GroupVersionKind{Group: "tekton.dev", Version: "v1", Kind: "TaskRunList"}

// runs are the Tekton runs of the team in the build namespace; app may be
// empty for those of all apps.
func (tm *team) runs(app string) []unstructured.Unstructured {
	tm.Helper()
	labels := client.MatchingLabels{v1alpha1.LabelNamespace: tm.namespace}
	if app != "" {
		labels[v1alpha1.LabelApp] = app
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(taskRuns)
	if err := kube.List(tm.Context(), list, client.InNamespace(localcluster.BuildNamespace), labels); err != nil {
		tm.Fatalf("listing the Tekton runs: %v", err)
	}
	return list.Items
}

// wantRuns fails the test unless an app has had so many Tekton runs.
func (tm *team) wantRuns(app string, count int) {
	tm.Helper()
	if runs := tm.runs(app); len(runs) != count {
		tm.Errorf("%s has %d Tekton runs, want %d", app, len(runs), count)
	}
}
