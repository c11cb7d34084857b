package buildcache

import (
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
)

func TestReconcile(t *testing.T) {
	for name, tc := range map[string]struct {
		run    func() *pipelines.TaskRun
		stays  bool
		events int
	}{
		"at work":   {run: forgetRun, stays: true},
		"succeeded": {run: func() *pipelines.TaskRun { return ended(forgetRun(), metav1.ConditionTrue) }},
		"failed":    {run: func() *pipelines.TaskRun { return ended(forgetRun(), metav1.ConditionFalse) }, events: 1},
		"a build": {run: func() *pipelines.TaskRun {
			run := ended(forgetRun(), metav1.ConditionTrue)
			delete(run.Labels, v1alpha1.LabelForgetCache)
			return run
		}, stays: true},
	} {
		t.Run(name, func(t *testing.T) {
			scheme := runtime.NewScheme()
			if err := pipelines.AddToScheme(scheme); err != nil {
				t.Fatal(err)
			}
			run, recorder := tc.run(), events.NewFakeRecorder(10)
			r := &Reconciler{Client: fake.NewClientBuilder().WithScheme(scheme).WithObjects(run).Build(), Events: recorder}
			key := client.ObjectKeyFromObject(run)
			if _, err := r.Reconcile(t.Context(), ctrl.Request{NamespacedName: key}); err != nil {
				t.Fatal(err)
			}
			err := r.Client.Get(t.Context(), key, &pipelines.TaskRun{})
			if stays := !apierrors.IsNotFound(err); stays != tc.stays {
				t.Errorf("stays: %v, want %v", stays, tc.stays)
			}
			if len(recorder.Events) != tc.events {
				t.Errorf("%d events, want %d", len(recorder.Events), tc.events)
			}
		})
	}
}

func forgetRun() *pipelines.TaskRun {
	rev := &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: "team"}, Spec: v1alpha1.RevisionSpec{Repository: "code"}}
	return pipelines.ForgetRunFor(rev, "headway-builds")
}

func ended(run *pipelines.TaskRun, succeeded metav1.ConditionStatus) *pipelines.TaskRun {
	run.Status.InitializeConditions()
	if succeeded == metav1.ConditionTrue {
		run.Status.MarkResourceOngoing("", "")
		run.Status.Conditions[0].Status = "True"
	} else {
		run.Status.Conditions[0].Status = "False"
	}
	run.Status.CompletionTime = &metav1.Time{Time: time.Unix(1, 0)}
	return run
}
