package preview

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
)

var start = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// newApp is the preview of request 12 with a setup and a teardown; its history is
// given newest first, by one letter each.
func newApp(history string) *v1alpha1.App {
	app := &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop-pr-12", UID: "app", Finalizers: []string{v1alpha1.FinalizerTeardown}}}
	app.Spec.Preview = &v1alpha1.Preview{App: "shop", Request: 12, Host: "shop-pr-12", Setup: []string{"/migrate", "up"}, Teardown: []string{"/drop"}}
	for _, c := range history {
		app.Spec.History = append(app.Spec.History, name(string(c)))
	}
	return app
}

func name(c string) string { return "shop-pr-12-" + c }

// built are revisions with an image.
func built(letters string) (list []v1alpha1.Revision) {
	for i, c := range letters {
		rev := v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name(string(c)), UID: "rev", CreationTimestamp: metav1.NewTime(start.Add(time.Duration(i) * time.Second))}}
		rev.Spec.App, rev.Spec.Commit = "shop-pr-12", strings.Repeat(string(c), 40)
		rev.Spec.Env = []v1alpha1.EnvVar{{Name: "DATABASE", Secret: &v1alpha1.KeyRef{Name: "preview", Key: "url"}}}
		rev.Status.Image = "registry/shop@sha256:" + string(c)
		list = append(list, rev)
	}
	return list
}

// pod of the App's setup for an attempt, which has come to a phase.
func pod(attempt string, phase corev1.PodPhase, change ...func(*corev1.Pod)) *corev1.Pod {
	app := newApp("a")
	p := podOf(app, &built("a")[0], setupName(app.Name), app.Spec.Preview.Setup, setupLimit, labelSetup, attempt)
	p.Status.Phase = phase
	for _, f := range change {
		f(p)
	}
	return p
}

func exited(code int32, log string) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "job", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: log}}}}
	}
}

func going(p *corev1.Pod) { p.DeletionTimestamp = &metav1.Time{Time: start} }

func TestSetupFor(t *testing.T) {
	was := func(state condition.State) func(*v1alpha1.App) {
		return func(app *v1alpha1.App) {
			condition.Set(&app.Status.Conditions, v1alpha1.ConditionPrepared, state, 1, start)
		}
	}
	unbuilt := func(letters string) []v1alpha1.Revision {
		list := built(letters)
		for i := range list {
			list[i].Status.Image = ""
		}
		return list
	}
	retried := built("a")
	retried[0].Annotations = map[string]string{v1alpha1.AnnotationRetriedAt: "now"}
	for _, tc := range []struct {
		name      string
		change    func(*v1alpha1.App)
		revisions []v1alpha1.Revision
		pod       *corev1.Pod
		status    metav1.ConditionStatus
		reason    string
		message   string
		starts    string // in the image of
		deletes   bool
	}{
		{name: "no setup", change: func(app *v1alpha1.App) { app.Spec.Preview.Setup = nil }, revisions: built("a")},
		{name: "no preview", change: func(app *v1alpha1.App) { app.Spec.Preview = nil }, revisions: built("a")},
		{name: "nothing is built", revisions: unbuilt("a"), status: "Unknown", reason: v1alpha1.ReasonWaiting, message: "the first image"},
		{name: "the first is built", revisions: built("a"), status: "Unknown", reason: v1alpha1.ReasonSettingUp, message: "in the image of revision " + name("a"), starts: "a"},
		{name: "the newest that is built", revisions: append(built("a"), unbuilt("b")...), status: "Unknown", reason: v1alpha1.ReasonSettingUp, starts: "a"},
		{name: "the newest", revisions: built("ab"), status: "Unknown", reason: v1alpha1.ReasonSettingUp, starts: "b"},
		{name: "its pod starts", revisions: built("a"), pod: pod(name("a"), corev1.PodPending), status: "Unknown", reason: v1alpha1.ReasonSettingUp, message: "at most 10m0s: pod shop-pr-12-setup starts"},
		{name: "it does not, and something newer is there", revisions: built("ab"), pod: pod(name("a"), corev1.PodPending), status: "Unknown", reason: v1alpha1.ReasonSettingUp, deletes: true},
		{name: "it runs", revisions: built("a"), pod: pod(name("a"), corev1.PodRunning), status: "Unknown", reason: v1alpha1.ReasonSettingUp, message: "runs"},
		{name: "it runs, and is let run when something newer is there", revisions: built("ab"), pod: pod(name("a"), corev1.PodRunning), status: "Unknown", reason: v1alpha1.ReasonSettingUp, message: "runs"},
		{name: "it succeeded", revisions: built("a"), pod: pod(name("a"), corev1.PodSucceeded), status: "True", reason: v1alpha1.ReasonSetUp},
		{name: "it succeeded for all that follow", revisions: built("ab"), pod: pod(name("a"), corev1.PodSucceeded), status: "True", reason: v1alpha1.ReasonSetUp},
		{name: "its pod is gone since", change: was(condition.True(v1alpha1.ReasonSetUp, "")), revisions: built("ab"), status: "True", reason: v1alpha1.ReasonSetUp},
		{name: "it failed", revisions: built("a"), pod: pod(name("a"), corev1.PodFailed, exited(3, "cannot connect\n")), status: "False", reason: v1alpha1.ReasonSetupFailed,
			message: "it exited with code 3; its last log lines:\ncannot connect"},
		{name: "it failed, and a push tries again", change: was(condition.False(v1alpha1.ReasonSetupFailed, "")), revisions: built("ab"),
			pod: pod(name("a"), corev1.PodFailed, exited(3, "")), status: "Unknown", reason: v1alpha1.ReasonSettingUp, message: "anew, in the image of revision " + name("b"), deletes: true},
		{name: "it failed, and somebody asks for another try", revisions: retried, pod: pod(name("a"), corev1.PodFailed, exited(3, "")),
			status: "Unknown", reason: v1alpha1.ReasonSettingUp, deletes: true},
		{name: "the earlier pod goes", revisions: built("ab"), pod: pod(name("a"), corev1.PodFailed, exited(3, ""), going), status: "Unknown", reason: v1alpha1.ReasonSettingUp, message: "to go"},
		{name: "its pod was evicted", revisions: built("a"), pod: pod(name("a"), corev1.PodFailed), status: "Unknown", reason: v1alpha1.ReasonSettingUp, deletes: true},
		{name: "it took too long", revisions: built("a"), pod: pod(name("a"), corev1.PodFailed, func(p *corev1.Pod) { p.Status.Reason = "DeadlineExceeded" }),
			status: "False", reason: v1alpha1.ReasonSetupFailed, message: "longer than 10m0s"},
		{name: "somebody else's pod", revisions: built("a"), pod: pod(name("a"), corev1.PodSucceeded, func(p *corev1.Pod) { p.OwnerReferences = nil }),
			status: "Unknown", reason: v1alpha1.ReasonSettingUp, message: "is not the preview's"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			app := newApp("ba")
			if tc.change != nil {
				tc.change(app)
			}
			got := SetupFor(app, tc.revisions, tc.pod)
			if got.Prepared == nil {
				if tc.status != "" || got.Start != nil || got.Delete != nil {
					t.Errorf("%+v", got)
				}
				return
			}
			if got.Prepared.Status != tc.status || got.Prepared.Reason != tc.reason || !strings.Contains(got.Prepared.Message, tc.message) {
				t.Errorf("Prepared = %+v; want %s %s %q", *got.Prepared, tc.status, tc.reason, tc.message)
			}
			starts := ""
			if got.Start != nil {
				_, starts, _ = strings.Cut(got.Start.Spec.Containers[0].Image, "sha256:")
			}
			if starts != tc.starts || (got.Delete != nil) != tc.deletes {
				t.Errorf("starts %q, deletes %v", starts, got.Delete != nil)
			}
		})
	}
}

// TestPodOfASetup has the environment of the app and no rights.
func TestPodOfASetup(t *testing.T) {
	app := newApp("a")
	p := SetupFor(app, built("a"), nil).Start
	if p == nil {
		t.Fatal("no pod")
	}
	c := p.Spec.Containers[0]
	if p.Name != "shop-pr-12-setup" || !metav1.IsControlledBy(p, app) || p.Labels[v1alpha1.LabelRevision] != "" || strings.Join(c.Command, " ") != "/migrate up" ||
		*p.Spec.ActiveDeadlineSeconds != 600 || *p.Spec.AutomountServiceAccountToken || !*p.Spec.SecurityContext.RunAsNonRoot || *c.SecurityContext.AllowPrivilegeEscalation {
		t.Errorf("%+v", p)
	}
	env := map[string]corev1.EnvVar{}
	for _, v := range c.Env {
		env[v.Name] = v
	}
	if ref := env["DATABASE"].ValueFrom; ref == nil || ref.SecretKeyRef.Name != "preview" || env["K_SERVICE"].Value != "shop-pr-12" {
		t.Errorf("environment %+v", c.Env)
	}
}

// TestTokens: a setup sends to the preview's own branches of channels, as its app does.
func TestTokens(t *testing.T) {
	app, revs := newApp("a"), built("a")
	revs[0].Spec.Sends = []string{"orders"}
	revs[0].Spec.Preview = &v1alpha1.BuiltFor{ChannelSuffix: "-pr-12"}
	s := SetupFor(app, revs, nil)
	if s.Start == nil || len(s.Start.Spec.Volumes) != 1 || len(s.Start.Spec.Volumes[0].Projected.Sources) != 1 || len(s.Start.Spec.Containers[0].VolumeMounts) != 1 {
		t.Fatalf("the pod has no token: %+v", s.Start)
	}
	token := s.Start.Spec.Volumes[0].Projected.Sources[0].ServiceAccountToken
	if token.Path != "orders" || !strings.HasSuffix(token.Audience, "/team/orders-pr-12") {
		t.Errorf("the token is %+v", token)
	}
}
