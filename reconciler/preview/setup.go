package preview

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/index"
	"github.com/headway-dev/headway/reconciler/job"
)

// Setup is what to do about the setup of a preview.
type Setup struct {
	// Prepared is the condition to write; nil: there is no setup.
	Prepared *condition.State
	// Start and Delete are pods to make and to take away; nil: none.
	Start, Delete *corev1.Pod
}

// SetupPod reads the pod of an App's setup; nil: there is none, or no need for it.
func (h *Hooks) SetupPod(ctx context.Context, app *v1alpha1.App) (*corev1.Pod, error) {
	if p := app.Spec.Preview; p == nil || len(p.Setup) == 0 || prepared(app).Status == metav1.ConditionTrue {
		return nil, nil
	}
	return index.Lookup(ctx, h.Client, app.Namespace, setupName(app.Name), &corev1.Pod{})
}

func prepared(app *v1alpha1.App) condition.State {
	return condition.Get(app.Status.Conditions, v1alpha1.ConditionPrepared)
}

// SetupFor decides about the setup of an App, of which these are the revisions and
// the pod. It is pure. The first row that fits wins:
//
//	there is no setup                                        nil
//	it has succeeded, now or before                          True     SetUp
//	no revision is built                                     Unknown  Waiting
//	there is no pod: it is made                              Unknown  SettingUp
//	the pod is not its own, or goes                          Unknown  SettingUp
//	it was lost: it is deleted                               Unknown  SettingUp
//	it failed, or has not started, and there is a newer
//	revision, or one was asked for again: it is deleted      Unknown  SettingUp
//	it failed                                                False    SetupFailed
//	it runs, or waits to                                     Unknown  SettingUp
func SetupFor(app *v1alpha1.App, revisions []v1alpha1.Revision, pod *corev1.Pod) Setup {
	p := app.Spec.Preview
	if p == nil || len(p.Setup) == 0 {
		return Setup{}
	}
	unknown := func(reason, format string, args ...any) Setup {
		state := condition.Unknown(reason, fmt.Sprintf(format, args...))
		return Setup{Prepared: &state}
	}
	if was := prepared(app); was.Status == metav1.ConditionTrue {
		return Setup{Prepared: &was}
	}
	if pod != nil && !metav1.IsControlledBy(pod, app) {
		return unknown(v1alpha1.ReasonSettingUp, "pod %s is there, and is not the preview's: delete that", pod.Name)
	}
	state, message := job.State(""), ""
	if pod != nil {
		state, message = job.Read(pod, setupLimit)
	}
	rev := newest(app, revisions)
	switch {
	case state == job.Succeeded:
		done := condition.True(v1alpha1.ReasonSetUp, "the setup has succeeded")
		return Setup{Prepared: &done}
	case rev == nil:
		return unknown(v1alpha1.ReasonWaiting, "the setup waits for the first image")
	case pod == nil:
		s := unknown(v1alpha1.ReasonSettingUp, "the setup begins, in the image of revision %s", rev.Name)
		s.Start = podOf(app, rev, setupName(app.Name), p.Setup, setupLimit, labelSetup, job.Attempt(rev))
		return s
	case pod.DeletionTimestamp != nil:
		return unknown(v1alpha1.ReasonSettingUp, "the setup waits for the pod of an earlier one to go")
	case state == job.Lost, state != job.Running && pod.Labels[labelSetup] != job.Attempt(rev):
		s := unknown(v1alpha1.ReasonSettingUp, "the setup begins anew, in the image of revision %s", rev.Name)
		s.Delete = pod
		return s
	case state == job.Failed:
		failed := condition.False(v1alpha1.ReasonSetupFailed, fmt.Sprintf(
			"the setup failed in the image of revision %s, and the preview does not start; push a commit that mends it, or try it once more by: headway retry %s\n%s",
			rev.Name, rev.Name, message))
		return Setup{Prepared: &failed}
	}
	return unknown(v1alpha1.ReasonSettingUp, "the setup has at most %s: %s", setupLimit, message)
}

// Apply carries a decision out.
func (h *Hooks) Apply(ctx context.Context, s Setup) error {
	if s.Delete != nil {
		return apply.Delete(ctx, h.Client, s.Delete)
	}
	if s.Start != nil {
		return h.start(ctx, s.Start)
	}
	return nil
}
