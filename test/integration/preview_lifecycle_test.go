//go:build integration

package integration

import (
	"context"
	"errors"
	"fmt"
	goruntime "runtime"
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

const (
	feature     = "refs/heads/feature"
	previewHost = "0a1b2c3d4e5f"
)

// newPreview makes the App of a request for an app, with one revision, and what
// more its spec.preview has.
func newPreview(t *testing.T, of string, number int, tree string, more fields) shop {
	t.Helper()
	s := shop{t, fmt.Sprintf("%s-pr-%d", of, number)}
	fork := more["spec.preview.fork"] == true
	spec := fields{
		"metadata.name": s.name, "spec.productionRef": feature,
		"spec.history": []any{s.name + "-1"}, "spec.heads": []any{head(feature, s.name+"-1")},
		"spec.preview": map[string]any{"app": of, "request": int64(number), "host": s.name + "-" + previewHost},
	}
	o := app(spec)
	set(o, more)
	mustApply(t, in(reconciled, o), watcher)
	made, err := get(t, reconciled, s.name, &v1alpha1.App{})
	if err != nil {
		t.Fatal(err)
	}
	rev := revision(fields{
		"metadata.name": s.name + "-1", "spec.app": s.name, "spec.ref": feature, "spec.source.key": tree, "spec.build.template": "static",
		"spec.preview": map[string]any{"app": of, "fork": fork},
	})
	rev.SetFinalizers([]string{v1alpha1.FinalizerCleanup})
	rev.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(made, v1alpha1.GroupVersion.WithKind("App"))})
	mustApply(t, in(reconciled, rev), watcher)
	return s
}

// withRepository has the Repository of all apps there, so that caches stay.
func withRepository(t *testing.T) {
	t.Helper()
	o := in(reconciled, repository(nil))
	mustApply(t, o, watcher)
	t.Cleanup(func() {
		if err := api.Delete(context.Background(), o); err != nil {
			t.Errorf("deleting the Repository: %v", err)
		}
	})
}

// remove closes the request: the watcher deletes the App.
func (s shop) remove() {
	s.Helper()
	if err := api.Delete(s.Context(), &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: reconciled, Name: s.name}}); err != nil {
		s.Fatal(err)
	}
}

// left are the objects of a preview, in both namespaces.
func (s shop) left() (found []client.Object, err error) {
	for _, list := range []client.ObjectList{
		&v1alpha1.AppList{}, &v1alpha1.RevisionList{}, &v1alpha1.RouteList{}, &appsv1.DeploymentList{}, &corev1.PodList{}, &corev1.SecretList{}, &pipelines.TaskRunList{},
	} {
		if err := api.List(s.Context(), list); err != nil {
			return nil, err
		}
		items, err := meta.ExtractList(list)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			o := item.(client.Object)
			run, isRun := o.(*pipelines.TaskRun)
			ours := strings.HasPrefix(o.GetName(), s.name) || o.GetLabels()[v1alpha1.LabelApp] == s.name || strings.HasPrefix(o.GetLabels()[v1alpha1.LabelRevision], s.name)
			if ours || isRun && strings.Contains(pipelines.Forgets(run), s.name) {
				found = append(found, o)
			}
		}
	}
	return found, nil
}

// collectGarbage plays what runs here no more than the kubelet: the garbage
// collector, and Tekton for the runs that remove caches.
func (s shop) collectGarbage(all []client.Object) error {
	alive := map[string]bool{}
	for _, o := range all {
		alive[string(o.GetUID())] = true
		if deployment, is := o.(*appsv1.Deployment); is {
			alive[deployment.Name] = true
		}
	}
	var failures []error
	for _, o := range all {
		owner := metav1.GetControllerOf(o)
		run, isRun := o.(*pipelines.TaskRun)
		gone := owner != nil && !alive[string(owner.UID)]
		if _, isPod := o.(*corev1.Pod); isPod && owner == nil { // one of shop.start
			gone = !alive[o.GetLabels()[v1alpha1.LabelRevision]]
		}
		switch {
		case isRun && o.GetDeletionTimestamp() != nil && len(o.GetFinalizers()) > 0: // its pod has ended
			o.SetFinalizers(nil)
			failures = append(failures, client.IgnoreNotFound(api.Update(s.Context(), o)))
		case isRun && pipelines.Forgets(run) != "" && !run.IsDone():
			status := object("TaskRun", run.Name, fields{
				"status.podName": run.Name + "-pod", "status.conditions": []any{condition("Succeeded", "True", "Succeeded")},
			})
			status.SetAPIVersion("tekton.dev/v1")
			mustApplyStatus(s.T, in(builds, status), "tekton")
		case gone && o.GetDeletionTimestamp() == nil:
			failures = append(failures, client.IgnoreNotFound(api.Delete(s.Context(), o, client.GracePeriodSeconds(0))))
		}
	}
	return errors.Join(failures...)
}

// waitGone waits until nothing of a preview is left, for at most 10 seconds.
func (s shop) waitGone() {
	s.Helper()
	eventually(s.T, "nothing is left of "+s.name, func() error {
		all, err := s.left()
		if err != nil || len(all) == 0 {
			return err
		}
		var names []string
		for _, o := range all {
			names = append(names, fmt.Sprintf("%T %s", o, o.GetName()))
		}
		if err := s.collectGarbage(all); err != nil && !apierrors.IsConflict(err) {
			s.Fatal(err)
		}
		return fmt.Errorf("%d objects: %s", len(all), strings.Join(names, ", "))
	})
}

// job plays the kubelet: the pod of a setup or teardown ends.
func (s shop) job(name string, code int32, log string) {
	s.Helper()
	pod := s.waitPod(name)
	pod.Status.Phase = corev1.PodSucceeded
	if code != 0 {
		pod.Status.Phase = corev1.PodFailed
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "job", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: log}},
	}}
	if err := api.Status().Update(s.Context(), pod); err != nil {
		s.Fatalf("ending pod %s: %v", name, err)
	}
}

func (s shop) waitPod(name string) (pod *corev1.Pod) {
	s.Helper()
	eventually(s.T, "pod "+name, func() (err error) {
		if pod, err = get(s.T, reconciled, name, &corev1.Pod{}); err == nil && pod.DeletionTimestamp != nil {
			err = errors.New("it is the one before")
		}
		return err
	})
	return pod
}

// waitRevision waits until a revision is as it is to be.
func (s shop) waitRevision(name, what string, is func(v1alpha1.RevisionStatus) bool) *v1alpha1.Revision {
	s.Helper()
	var rev *v1alpha1.Revision
	eventually(s.T, name+" "+what, func() (err error) {
		if rev, err = get(s.T, reconciled, name, &v1alpha1.Revision{}); err == nil && !is(rev.Status) {
			err = fmt.Errorf("it is %s: %v", rev.Status.State, rev.Status.Conditions)
		}
		return err
	})
	return rev
}

func hasImage(s v1alpha1.RevisionStatus) bool { return s.Image != "" }

func hasFailed(s v1alpha1.RevisionStatus) bool { return s.State == v1alpha1.StateFailed }

// TestMergeTakesThePreviewsImage: a preview that answers at its own host only is
// merged, and production runs its image without a run.
func TestMergeTakesThePreviewsImage(t *testing.T) {
	withRepository(t)
	production := newShop(t, "merge")
	s := newPreview(t, "merge", 7, "tree1", nil)
	s.build("merge-pr-7-1", sha)
	s.start("merge-pr-7-1")
	live := s.waitLive("merge-pr-7-1")
	route, err := get(t, reconciled, s.name, &v1alpha1.Route{})
	if err != nil {
		t.Fatal(err)
	}
	if want := s.name + "-" + previewHost + "." + reconciled + ".localhost"; len(route.Spec.Hosts) != 1 || route.Spec.Hosts[0] != want || len(route.Spec.RevisionHosts) != 0 ||
		live.Status.URL != "http://"+want+":8080" {
		t.Errorf("the preview answers at %v and %v, and says %s", route.Spec.Hosts, route.Spec.RevisionHosts, live.Status.URL)
	}
	production.revision("merge-1", "tree1")
	production.push("merge-1")
	rev := production.waitRevision("merge-1", "has an image", hasImage)
	built := meta.FindStatusCondition(rev.Status.Conditions, v1alpha1.ConditionBuilt)
	if built.Reason != v1alpha1.ReasonImageReused || built.Message != "built before for merge-pr-7-1" || !strings.HasSuffix(rev.Status.Image, "/merge@"+sha) {
		t.Errorf("image %s, Built %+v", rev.Status.Image, built)
	}
	s.remove()
	eventually(t, "all of the preview but the run is gone", func() error {
		all, err := s.left()
		if err != nil {
			return err
		}
		if len(all) == 1 && all[0].GetNamespace() == builds && all[0].GetDeletionTimestamp() == nil { // production has it, too
			return nil
		}
		if err := s.collectGarbage(all); err != nil && !apierrors.IsConflict(err) {
			return err
		}
		return fmt.Errorf("%d objects", len(all))
	})
}

// TestClosedWhileItBuilds leaves nothing, for a branch and for a fork with its
// cache.
func TestClosedWhileItBuilds(t *testing.T) {
	withRepository(t)
	for number, fork := range map[int]bool{8: false, 9: true} {
		s := newPreview(t, "closed", number, "tree1", fields{"spec.preview.fork": fork})
		run := s.run(s.name + "-1")
		if build := run.Labels[v1alpha1.LabelApp]; fork != (build == s.name) {
			t.Errorf("fork: %v, the run is of %s", fork, build)
		}
		s.remove()
		s.waitGone()
	}
}

// TestSetupAndTeardown go the whole way, with a controller that starts anew at
// each step.
func TestSetupAndTeardown(t *testing.T) {
	withRepository(t)
	s := newPreview(t, "hooked", 3, "tree1", fields{"spec.preview.setup": []any{"/migrate"}, "spec.preview.teardown": []any{"/drop"}})
	first := s.name + "-1"
	s.build(first, sha)
	s.waitPod(s.name + "-setup")
	restartReconcilers(t)
	s.job(s.name+"-setup", 1, "no such server\n")
	rev := s.waitRevision(first, "has failed", hasFailed)
	if ready := meta.FindStatusCondition(rev.Status.Conditions, v1alpha1.ConditionReady); ready.Reason != v1alpha1.ReasonSetupFailed || !strings.Contains(ready.Message, "no such server") {
		t.Errorf("Ready = %+v", ready)
	}
	eventually(t, "the App says why", func() error {
		app, err := get(t, reconciled, s.name, &v1alpha1.App{})
		if err != nil {
			return err
		}
		ready := meta.FindStatusCondition(app.Status.Conditions, v1alpha1.ConditionReady)
		if ready.Reason != v1alpha1.ReasonNoReadyRevision || !strings.Contains(ready.Message, "no such server") || app.Status.Live != "" {
			return fmt.Errorf("%q is live, Ready is %+v", app.Status.Live, ready)
		}
		return nil
	})
	retry := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:"now"}}}`, v1alpha1.AnnotationRetriedAt)
	if err := api.Patch(t.Context(), rev, client.RawPatch("application/merge-patch+json", retry)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is tried again", func() error {
		pod, err := get(t, reconciled, s.name+"-setup", &corev1.Pod{})
		if err == nil && pod.Status.Phase == corev1.PodFailed {
			err = errors.New("the pod that failed is there still")
		}
		return err
	})
	if _, err := get(t, reconciled, first, &appsv1.Deployment{}); !apierrors.IsNotFound(err) {
		t.Errorf("pods start before the setup has succeeded: %v", err)
	}
	s.job(s.name+"-setup", 0, "")
	s.start(first)
	s.waitLive(first)
	setup := s.waitPod(s.name + "-setup")
	if err := api.Delete(t.Context(), setup, client.GracePeriodSeconds(0)); err != nil { // its node is gone
		t.Fatal(err)
	}
	restartReconcilers(t)

	s.remove()
	restartReconcilers(t)
	eventually(t, "nothing leads to the preview, and its pods are to end", func() error {
		_, route := get(t, reconciled, s.name, &v1alpha1.Route{})
		_, deployment := get(t, reconciled, first, &appsv1.Deployment{})
		if !apierrors.IsNotFound(route) || !apierrors.IsNotFound(deployment) {
			return errors.New(fmt.Sprint("Route: ", route, ", Deployment: ", deployment))
		}
		return nil
	})
	for _, name := range []string{s.name + "-setup", s.name + "-teardown"} {
		if _, err := get(t, reconciled, name, &corev1.Pod{}); !apierrors.IsNotFound(err) {
			t.Errorf("pod %s: %v", name, err)
		}
	}
	if err := api.Delete(t.Context(), s.waitPod(first), client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
	s.waitPod(s.name + "-teardown")
	restartReconcilers(t)
	s.job(s.name+"-teardown", 0, "")
	s.waitGone()
}

// TestOpenPreviewsCostLittle: those that nobody opens, in the memory of the
// controller. Of the 20 MiB that 100 of them may take in all programs, it may take
// half.
func TestOpenPreviewsCostLittle(t *testing.T) {
	const previews, most = 40, 40 * (10 << 20) / 100
	withRepository(t)
	first := newPreview(t, "many", 1, "tree1", nil)
	first.build(first.name+"-1", sha)
	first.waitRevision(first.name+"-1", "has an image", hasImage)
	before := heap()
	var all []shop
	for i := range previews {
		all = append(all, newPreview(t, "many", i+2, "tree1", nil))
	}
	for _, s := range all { // one that was ready, and was scaled to none
		s.fallIdle(s.name + "-1")
	}
	for _, s := range all {
		s.waitLive(s.name + "-1")
	}
	grown := int64(heap()) - int64(before)
	t.Logf("%d idle previews take %d KiB, %d KiB each", previews, grown>>10, grown>>10/previews)
	if grown > most {
		t.Errorf("that is more than %d KiB", most>>10)
	}
	for _, s := range append(all, first) {
		s.remove()
	}
	shop{t, "many-pr"}.waitGone()
}

// heap is what the process holds, in bytes.
func heap() uint64 {
	var stats goruntime.MemStats
	goruntime.GC()
	goruntime.GC() // what finalizers let go
	goruntime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// fallIdle plays the kubelet and the autoscaler, at once: the revision has been
// ready, and is asked to have no pod.
func (s shop) fallIdle(name string) {
	s.Helper()
	eventually(s.T, name+" can fall idle", func() error {
		deployment, err := get(s.T, reconciled, name, &appsv1.Deployment{})
		if err != nil {
			return err
		}
		rev, err := get(s.T, reconciled, name, &v1alpha1.Revision{})
		if err != nil {
			return err
		}
		merge := func(patch string) client.Patch { return client.RawPatch("application/merge-patch+json", []byte(patch)) }
		return errors.Join(api.Patch(s.Context(), deployment, merge(`{"spec":{"replicas":0}}`)),
			api.Status().Patch(s.Context(), rev, merge(`{"status":{"everReady":true}}`)))
	})
}
