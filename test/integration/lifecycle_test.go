//go:build integration

package integration

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
)

// shop is one app in the namespace of the reconcilers.
type shop struct {
	*testing.T
	name string
}

// newShop makes an App without revisions.
func newShop(t *testing.T, name string) shop {
	s := shop{t, name}
	s.push()
	return s
}

// push is what the watcher does after a push: the App's newest revision is the
// first of these, the one before is the second.
func (s shop) push(history ...string) {
	s.Helper()
	spec := fields{"metadata.name": s.name, "spec.history": []any{}, "spec.heads": []any{}}
	for _, name := range history {
		spec["spec.history"] = append(spec["spec.history"].([]any), name)
	}
	if len(history) > 0 {
		spec["spec.heads"] = []any{head("refs/heads/main", history[0])}
	}
	mustApply(s.T, in(reconciled, app(spec)), watcher)
}

// revision makes a Revision that the static template builds out of a tree.
func (s shop) revision(name, tree string) {
	s.Helper()
	mustApply(s.T, in(reconciled, revision(fields{
		"metadata.name": name, "spec.app": s.name, "spec.source.key": tree, "spec.build.template": "static",
	})), watcher)
}

func get[T client.Object](t *testing.T, namespace, name string, into T) (T, error) {
	t.Helper()
	return into, api.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, into)
}

// run is the Tekton run of a revision.
func (s shop) run(revision string) (run pipelines.TaskRun) {
	s.Helper()
	eventually(s.T, "a Tekton run for "+revision, func() error {
		var list pipelines.TaskRunList
		err := api.List(s.Context(), &list, client.InNamespace(builds), client.MatchingLabels{v1alpha1.LabelRevision: revision})
		if err != nil {
			return err
		}
		if len(list.Items) != 1 {
			return fmt.Errorf("there are %d runs", len(list.Items))
		}
		run = list.Items[0]
		return nil
	})
	return run
}

// build plays Tekton: the run of a revision succeeds.
func (s shop) build(revision, digest string) {
	s.Helper()
	run := s.run(revision)
	o := object("TaskRun", run.Name, fields{
		"status.podName":    run.Name + "-pod",
		"status.conditions": []any{condition("Succeeded", "True", "Succeeded")},
		"status.results": []any{
			map[string]any{"name": "digest", "type": "string", "value": digest},
			map[string]any{"name": "image-config", "type": "string", "value": `{"user":"1000","entrypoint":["/app"],"sizeBytes":12400000}`},
		},
	})
	o.SetAPIVersion("tekton.dev/v1")
	mustApplyStatus(s.T, in(builds, o), "tekton")
}

// start plays the kubelet: a revision gets a pod that is ready.
func (s shop) start(revision string) {
	s.Helper()
	s.startPod(revision, revision, corev1.PodStatus{Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}})
}

// startPod plays the kubelet: a revision gets a pod of that name and status, which
// runs.
func (s shop) startPod(revision, name string, status corev1.PodStatus) {
	s.Helper()
	eventually(s.T, "a Deployment for "+revision, func() error {
		_, err := get(s.T, reconciled, revision, &appsv1.Deployment{})
		return err
	})
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: name, Labels: map[string]string{
			v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelApp: s.name, v1alpha1.LabelRevision: revision,
		}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: digestOne}}},
	}
	if err := api.Create(s.Context(), pod); err != nil {
		s.Fatalf("creating a pod: %v", err)
	}
	status.Phase = corev1.PodRunning
	pod.Status = status
	if err := api.Status().Update(s.Context(), pod); err != nil {
		s.Fatalf("making a pod ready: %v", err)
	}
}

// waitLive waits until the App says that a revision has all traffic, and wants
// the Route to say so too.
func (s shop) waitLive(revision string) *v1alpha1.App {
	s.Helper()
	var app *v1alpha1.App
	eventually(s.T, revision+" is live", func() (err error) {
		if app, err = get(s.T, reconciled, s.name, &v1alpha1.App{}); err == nil && app.Status.Live != revision {
			err = fmt.Errorf("%q is live: %v", app.Status.Live, app.Status.Conditions)
		}
		return err
	})
	route, err := get(s.T, reconciled, s.name, &v1alpha1.Route{})
	if err != nil {
		s.Fatal(err)
	}
	if len(route.Spec.Traffic) != 1 || route.Spec.Traffic[0] != (v1alpha1.TrafficTarget{Revision: revision, Weight: v1alpha1.Whole}) {
		s.Errorf("the Route's traffic is %v", route.Spec.Traffic)
	}
	return app
}

const sha = "sha256:1111111111111111111111111111111111111111111111111111111111111111"

// TestTrafficFollowsReadiness goes the whole way of two pushes: build, pods,
// Route. What is not ready takes no traffic.
func TestTrafficFollowsReadiness(t *testing.T) {
	s := newShop(t, "follow")
	s.revision("follow-1", "tree1")
	s.push("follow-1")
	s.build("follow-1", sha)
	s.start("follow-1")
	app := s.waitLive("follow-1")
	if !meta.IsStatusConditionTrue(app.Status.Conditions, v1alpha1.ConditionReady) || app.Status.URL != "http://follow."+reconciled+".localhost:8080" {
		t.Errorf("the App is %+v", app.Status)
	}
	deployment, err := get(t, reconciled, "follow-1", &appsv1.Deployment{})
	if err != nil {
		t.Fatal(err)
	}
	if owner := metav1.GetControllerOf(deployment); owner == nil || owner.Kind != "Revision" || owner.Name != "follow-1" {
		t.Errorf("the Deployment's owner is %v", owner)
	}
	if image := deployment.Spec.Template.Spec.Containers[0].Image; !strings.HasSuffix(image, "@"+sha) {
		t.Errorf("the Deployment's image is %s", image)
	}

	s.revision("follow-2", "tree2")
	s.push("follow-2", "follow-1")
	s.build("follow-2", strings.ReplaceAll(sha, "1", "2"))
	eventually(t, "the second revision starts", func() error {
		rev, err := get(t, reconciled, "follow-2", &v1alpha1.Revision{})
		if err == nil && rev.Status.Image == "" {
			err = fmt.Errorf("no image: %v", rev.Status.Conditions)
		}
		return err
	})
	s.waitLive("follow-1")
	s.start("follow-2")
	s.waitLive("follow-2")
}

// TestTreeIsBuiltOnce: a second revision of the same tree takes the image of
// the first, without a run.
func TestTreeIsBuiltOnce(t *testing.T) {
	s := newShop(t, "once")
	s.revision("once-1", "tree1")
	s.push("once-1")
	s.build("once-1", sha)
	s.revision("once-2", "tree1")
	s.push("once-2", "once-1")
	eventually(t, "the image is reused", func() error {
		rev, err := get(t, reconciled, "once-2", &v1alpha1.Revision{})
		if err != nil {
			return err
		}
		built := meta.FindStatusCondition(rev.Status.Conditions, v1alpha1.ConditionBuilt)
		if built == nil || built.Reason != v1alpha1.ReasonImageReused || !strings.HasSuffix(rev.Status.Image, sha) {
			return fmt.Errorf("image %q, %v", rev.Status.Image, built)
		}
		return nil
	})
	var runs pipelines.TaskRunList
	if err := api.List(t.Context(), &runs, client.InNamespace(builds), client.MatchingLabels{v1alpha1.LabelApp: "once"}); err != nil || len(runs.Items) != 1 {
		t.Errorf("%d runs (%v), want 1", len(runs.Items), err)
	}
}

// TestNewerHeadCancels: the run of a commit that is replaced is cancelled.
func TestNewerHeadCancels(t *testing.T) {
	s := newShop(t, "cancel")
	s.revision("cancel-1", "tree1")
	s.push("cancel-1")
	run := s.run("cancel-1")
	s.revision("cancel-2", "tree2")
	s.push("cancel-2", "cancel-1")
	eventually(t, "the older run is cancelled", func() error {
		if err := api.Get(t.Context(), client.ObjectKeyFromObject(&run), &run); err != nil {
			return err
		}
		if !run.IsCancelled() {
			return fmt.Errorf("its spec.status is %q", run.Spec.Status)
		}
		return nil
	})
	s.run("cancel-2")
}

// TestDeletedRevisionTakesItsRun: owner references do not reach into another
// namespace, the finalizer does.
func TestDeletedRevisionTakesItsRun(t *testing.T) {
	s := newShop(t, "gone")
	s.revision("gone-1", "tree1")
	s.push("gone-1")
	run := s.run("gone-1")
	rev, err := get(t, reconciled, "gone-1", &v1alpha1.Revision{})
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Delete(t.Context(), rev); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Revision and run are gone", func() error {
		if _, err := get(t, reconciled, "gone-1", &v1alpha1.Revision{}); !apierrors.IsNotFound(err) {
			return cmp.Or(err, errors.New("the Revision stays"))
		}
		// The run waits for its pod in the foreground; no garbage collector runs
		// here to end the wait.
		_, err := get(t, builds, run.Name, &run)
		if err == nil && run.DeletionTimestamp == nil {
			return fmt.Errorf("run %s stays", run.Name)
		}
		return client.IgnoreNotFound(err)
	})
}
