package revision

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
)

var (
	start  = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	digest = "sha256:" + strings.Repeat("d", 64)
)

const (
	commitA = "aaaaaaaa11111111111111111111111111111111"
	commitB = "bbbbbbbb22222222222222222222222222222222"
	mainRef = "refs/heads/main"
)

// newRevision is a revision of the app hello, made at start.
func newRevision(commit string, change ...func(*v1alpha1.Revision)) *v1alpha1.Revision {
	rev := &v1alpha1.Revision{
		ObjectMeta: metav1.ObjectMeta{
			Name: "hello-" + commit[:8], Namespace: "team", UID: "uid-1", Generation: 1,
			CreationTimestamp: metav1.NewTime(start),
		},
		Spec: v1alpha1.RevisionSpec{
			App: "hello", Repository: "shop", Ref: mainRef, Commit: commit,
			Source: v1alpha1.CodeSource{Key: "tree-" + commit[:4], Path: ".", Digest: "sha256:" + strings.Repeat("5", 64), SpecHash: "s"},
			Build:  &v1alpha1.Build{Template: "go"},
			Runtime: v1alpha1.Runtime{
				Port: 8080, Timeout: metav1.Duration{Duration: time.Minute}, Scale: v1alpha1.Scale{Max: 20},
			},
		},
	}
	for _, f := range change {
		f(rev)
	}
	return rev
}

func newApp(heads ...v1alpha1.Head) *v1alpha1.App {
	return &v1alpha1.App{
		ObjectMeta: metav1.ObjectMeta{Name: "hello", Namespace: "team"},
		Spec:       v1alpha1.AppSpec{Repository: "shop", Path: "headway.yaml", ProductionRef: mainRef, Heads: heads},
	}
}

func head(rev *v1alpha1.Revision) v1alpha1.Head {
	return v1alpha1.Head{Ref: rev.Spec.Ref, Commit: rev.Spec.Commit, Revision: rev.Name}
}

// appWith says of a revision that it has a role.
func appWith(rev *v1alpha1.Revision, role v1alpha1.RevisionRole) *v1alpha1.App {
	app := newApp(head(rev))
	role.Name = rev.Name
	app.Status.Revisions = []v1alpha1.RevisionRole{role}
	return app
}

// live takes all traffic, replaced is wanted by nothing.
var (
	live     = v1alpha1.RevisionRole{Role: v1alpha1.RoleLive, Weight: v1alpha1.Whole}
	replaced = v1alpha1.RevisionRole{Role: v1alpha1.RoleReplaced, Message: "commit bbbbbbbb replaced it"}
)

// goTask is a template with one optional argument.
func goTask() *pipelines.Task {
	task := &pipelines.Task{}
	decode(task, `
metadata: {name: go, namespace: headway-builds, labels: {headway.dev/template: go}}
spec:
  params:
    - {name: image, type: string}
    - {name: main, type: string, default: .}
  results: [{name: digest}]
  steps: [{name: build, image: headway/builder-go}, {name: push, image: headway/buildstep}]
`)
	return task
}

// decode reads YAML over what the object holds already.
func decode(object any, text string) {
	if err := yaml.Unmarshal([]byte(text), object); err != nil {
		panic(err)
	}
}

func goTemplate() *pipelines.Template {
	template, err := pipelines.TemplateOf(goTask())
	if err != nil {
		panic(err)
	}
	return &template
}

// newRun is the run that builds rev, made at start plus age.
func newRun(rev *v1alpha1.Revision, age time.Duration, change ...func(*pipelines.TaskRun)) *pipelines.TaskRun {
	run := pipelines.TaskRunFor(pipelines.Input{
		Revision: rev, Template: *goTemplate(), Key: keyFor(rev, goTemplate(), nil),
		Image: "registry/apps/team/hello:x", Namespace: "headway-builds",
	})
	run.CreationTimestamp = metav1.NewTime(start.Add(age))
	for _, f := range change {
		f(run)
	}
	return run
}

// status gives a run what Tekton would write.
func status(text string) func(*pipelines.TaskRun) {
	return func(run *pipelines.TaskRun) { decode(run, text) }
}

var (
	running = status(`{status: {conditions: [{type: Succeeded, status: Unknown, reason: Running}],
		steps: [{name: build, running: {}}]}}`)
	done = status(`{status: {conditions: [{type: Succeeded, status: "True", reason: Succeeded}],
		results: [{name: digest, type: string, value: "` + digest + `"}]}}`)
	broken = status(`{status: {conditions: [{type: Succeeded, status: "False", reason: Failed}], podName: build-pod,
		steps: [{name: build, container: step-build, imageID: i, terminated: {exitCode: 1, reason: Error}}]}}`)
	told = status(`{status: {conditions: [{type: Succeeded, status: "False", reason: Failed}], podName: build-pod,
		results: [{name: error, type: string, value: "main.go:3: undefined: x"}],
		steps: [{name: build, container: step-build, imageID: i, terminated: {exitCode: 1, reason: Error}}]}}`)
	cancelled = status(`{status: {conditions: [{type: Succeeded, status: "False", reason: TaskRunCancelled}]}}`)
)

// withBuilt gives a revision the state of an earlier reconciliation.
func withBuilt(s condition.State, build v1alpha1.BuildStatus, image string) func(*v1alpha1.Revision) {
	return func(rev *v1alpha1.Revision) {
		condition.Set(&rev.Status.Conditions, v1alpha1.ConditionBuilt, s, 1, start)
		rev.Status.Build, rev.Status.Image = &build, image
	}
}

func annotated(key, value string) func(*v1alpha1.Revision) {
	return func(rev *v1alpha1.Revision) { rev.Annotations = map[string]string{key: value} }
}

// newPod is a pod of hello with one container in the given state.
func newPod(status corev1.ContainerStatus, conditions ...corev1.PodCondition) corev1.Pod {
	status.Name = v1alpha1.AppContainer
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "pod", Namespace: "team"},
		Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{status}, Conditions: conditions},
	}
}

func readyPod() corev1.Pod {
	return newPod(corev1.ContainerStatus{Ready: true}, corev1.PodCondition{Type: corev1.PodReady, Status: corev1.ConditionTrue})
}
