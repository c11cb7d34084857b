package check

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/job"
)

func TestJob(t *testing.T) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	rev := &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop-1", UID: "u"}, Spec: v1alpha1.RevisionSpec{Commit: "c0ffee"}}
	rev.Status.Image, rev.Status.URL = "registry/shop@sha256:1", "https://shop-1.example.com:8443"
	api := fake.NewClientBuilder().WithScheme(scheme).WithObjects(rev).WithStatusSubresource(&corev1.Pod{}).Build()
	jobs := Jobs{Client: api, Activator: "activator.headway", Lookup: func(_ context.Context, host string) ([]string, error) {
		return map[string][]string{"activator.headway": {"10.0.0.7"}}[host], nil
	}}
	s := Subject{App: shop, Revision: rev.Name, Gates: v1alpha1.Gates{Job: []string{"/smoke", "--fast"}}}
	expect := func(what string, verdict v1alpha1.Verdict, message string) {
		t.Helper()
		if got := jobs.ask(t.Context(), s); got.verdict != verdict || !strings.Contains(got.message, message) {
			t.Errorf("%s: %+v, want %s %q", what, got, verdict, message)
		}
	}
	pods := func() []corev1.Pod {
		t.Helper()
		var list corev1.PodList
		if err := api.List(t.Context(), &list, client.InNamespace("team")); err != nil {
			t.Fatal(err)
		}
		return list.Items
	}
	become := func(status corev1.PodStatus) {
		t.Helper()
		pod := pods()[0]
		pod.Status = status
		if err := api.Status().Update(t.Context(), &pod); err != nil {
			t.Fatal(err)
		}
	}
	terminated := func(code int32, message string) []corev1.ContainerStatus {
		return []corev1.ContainerStatus{{Name: "job", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: message}}}}
	}
	expect("it is made", v1alpha1.VerdictWaiting, "pod shop-1-job starts")
	expect("once", v1alpha1.VerdictWaiting, "pod shop-1-job starts")
	list := pods()
	if len(list) != 1 {
		t.Fatalf("%d pods", len(list))
	}
	pod, container := list[0], list[0].Spec.Containers[0]
	if container.Image != rev.Status.Image || strings.Join(container.Command, " ") != "/smoke --fast" ||
		container.Env[0] != (corev1.EnvVar{Name: "HEADWAY_URL", Value: "http://shop-1.example.com"}) || container.Env[1] != (corev1.EnvVar{Name: "HEADWAY_COMMIT", Value: "c0ffee"}) {
		t.Errorf("%+v", container)
	}
	if *pod.Spec.AutomountServiceAccountToken || pod.Spec.RestartPolicy != corev1.RestartPolicyNever || *pod.Spec.ActiveDeadlineSeconds != 600 ||
		!*pod.Spec.SecurityContext.RunAsNonRoot || container.Resources.Limits.Memory().IsZero() || pod.Labels[v1alpha1.LabelRevision] != "" || !metav1.IsControlledBy(&pod, rev) ||
		len(pod.Spec.HostAliases) != 1 || pod.Spec.HostAliases[0].IP != "10.0.0.7" || pod.Spec.HostAliases[0].Hostnames[0] != "shop-1.example.com" {
		t.Errorf("%+v", pod)
	}
	become(corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{
		{Name: "job", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}}},
	}})
	expect("no image", v1alpha1.VerdictWaiting, "waits: ImagePullBackOff")
	become(corev1.PodStatus{Phase: corev1.PodRunning})
	expect("it runs", v1alpha1.VerdictWaiting, "runs")
	become(corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted"})
	expect("it was evicted, which says nothing", v1alpha1.VerdictWaiting, "is made anew")
	expect("it is made again", v1alpha1.VerdictWaiting, "starts")
	become(corev1.PodStatus{Phase: corev1.PodSucceeded, ContainerStatuses: terminated(0, "")})
	expect("it succeeds", v1alpha1.VerdictPassing, "it succeeded")
	become(corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: terminated(2, strings.Repeat("long line\n", 200)+"no such table\n")})
	expect("it fails", v1alpha1.VerdictFailed, "it exited with code 2; its last log lines:\nlong line")
	expect("it fails, with the end of its log", v1alpha1.VerdictFailed, "no such table")
	become(corev1.PodStatus{Phase: corev1.PodFailed, Reason: "DeadlineExceeded", ContainerStatuses: terminated(137, "")})
	expect("it took too long", v1alpha1.VerdictFailed, "longer than 10m0s")

	rev.Annotations = map[string]string{v1alpha1.AnnotationRetriedAt: "now"}
	if err := api.Update(t.Context(), rev); err != nil {
		t.Fatal(err)
	}
	expect("a retry runs it once more", v1alpha1.VerdictWaiting, "starts")
	if n := len(pods()); n != 2 {
		t.Errorf("%d pods", n)
	}
	foreign := job.Pod(jobFor(rev, nil, ""))
	if err := api.Delete(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	foreign.OwnerReferences = nil
	if err := api.Create(t.Context(), foreign); err != nil {
		t.Fatal(err)
	}
	expect("somebody else's pod", v1alpha1.VerdictWaiting, "is not its own")
	s.Revision = "gone"
	expect("the revision is gone", v1alpha1.VerdictWaiting, "reading the revision")
}
