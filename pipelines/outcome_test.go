package pipelines

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var digest = "sha256:" + strings.Repeat("0f", 32)

// outcomes are statuses as Tekton v1.15 writes them.
var outcomes = []struct {
	name   string
	status string
	want   Outcome
}{
	{"nothing yet", `{}`, Outcome{Phase: Pending, Message: "waiting for Tekton to start the build"}},
	{"waiting for a node", `
conditions: [{type: Succeeded, status: Unknown, reason: ExceededNodeResources, message: TaskRun Pod exceeded available resources}]`,
		Outcome{Phase: Pending, Message: "no node has enough free CPU or memory for the build; it waits", InsufficientResources: true}},
	{"no node takes the pod", `
conditions: [{type: Succeeded, status: Unknown, reason: Pending, message: 'pod status "PodScheduled":"False"; message: "0/1 nodes are available: 1 Insufficient cpu."'}]`,
		Outcome{Phase: Pending, Message: "no node takes the build pod yet: 0/1 nodes are available: 1 Insufficient cpu", InsufficientResources: true}},
	{"unbound volume", `
podName: p
conditions: [{type: Succeeded, status: Unknown, reason: Pending, message: 'pod status "PodScheduled":"False"; message: "persistentvolumeclaim \"headway-build-cache\" not found"'}]`,
		Outcome{Phase: Pending, Message: `no node takes the build pod yet: persistentvolumeclaim "headway-build-cache" not found`}},
	{"starting", `
podName: p
conditions: [{type: Succeeded, status: Unknown, reason: Pending, message: 'pod status "PodReadyToStartContainers":"False"; message: ""'}]`,
		Outcome{Phase: Pending, Message: "the build pod is starting"}},
	{"a step waits", `
podName: p
conditions: [{type: Succeeded, status: Unknown, reason: Pending, message: 'build step "step-push" is pending with reason "failed to create subPath directory"'}]`,
		Outcome{Phase: Pending, Message: `the build pod is starting: build step "step-push" is pending with reason "failed to create subPath directory"`}},
	{"pulling", `
podName: p
conditions: [{type: Succeeded, status: Unknown, reason: PullImageFailed, message: 'build step "step-build" is pending with reason "Back-off pulling image"'}]`,
		Outcome{Phase: Pending, Message: `the image of a build step cannot be pulled yet: build step "step-build" is pending with reason "Back-off pulling image"`}},
	{"running", `
podName: p
conditions: [{type: Succeeded, status: Unknown, reason: Running, message: Not all Steps in the Task have finished executing}]
steps:
- {name: build, container: step-build, running: {startedAt: "2026-01-01T00:00:00Z"}}
- {name: push, container: step-push, running: {startedAt: "2026-01-01T00:00:00Z"}}`,
		Outcome{Phase: Running, Message: `step "build" is running`}},
	{"between steps", `
conditions: [{type: Succeeded, status: Unknown, reason: Running}]
steps: [{name: build, container: step-build, imageID: i, terminated: {exitCode: 0, containerID: c}}]`,
		Outcome{Phase: Running, Message: `step "build" has ended`}},
	{"about to fail", `
conditions: [{type: Succeeded, status: Unknown, reason: Running}]
steps:
- {name: build, container: step-build, imageID: i, terminated: {exitCode: 1, reason: Error, startedAt: "2026-01-01T00:00:05Z"}}
- {name: push, container: step-push, running: {startedAt: "2026-01-01T00:00:05Z"}}`,
		Outcome{Phase: Running, Message: `step "build" failed, the build is ending`}},
	{"succeeded", `
conditions: [{type: Succeeded, status: "True", reason: Succeeded}]
results:
- {name: digest, type: string, value: "` + digest + `\n"}
- {name: image-config, type: string, value: '{"user":"65532","entrypoint":["/app/shop"],"cmd":["-v"],"workingDir":"/app","sizeBytes":12345678}'}`,
		Outcome{Phase: Succeeded, Digest: digest, ImageConfig: &v1alpha1.ImageConfig{
			User: "65532", Entrypoint: []string{"/app/shop"}, Cmd: []string{"-v"}, WorkingDir: "/app", SizeBytes: 12345678}}},
	{"succeeded, with a size that cannot be", `
conditions: [{type: Succeeded, status: "True", reason: Succeeded}]
results: [{name: digest, type: string, value: "` + digest + `"}, {name: image-config, type: string, value: '{"user":"1","sizeBytes":-5}'}]`,
		Outcome{Phase: Succeeded, Digest: digest, ImageConfig: &v1alpha1.ImageConfig{User: "1"}}},
	{"succeeded without configuration", `
conditions: [{type: Succeeded, status: "True", reason: Succeeded}]
results: [{name: digest, type: string, value: "` + digest + `"}, {name: image-config, type: string, value: ""}]`,
		Outcome{Phase: Succeeded, Digest: digest}},
	{"no digest", `
conditions: [{type: Succeeded, status: "True", reason: Succeeded}]`,
		Outcome{Phase: Failed, Message: `the template's result "digest" is "", not a digest such as sha256:<64 hex digits>`}},
	{"bad configuration", `
conditions: [{type: Succeeded, status: "True", reason: Succeeded}]
results: [{name: digest, type: string, value: "` + digest + `"}, {name: image-config, type: string, value: "x"}]`,
		Outcome{Phase: Failed, Message: `the template's result "image-config" cannot be read: invalid character 'x' looking for beginning of value`}},
	{"compile error", `
podName: p
conditions: [{type: Succeeded, status: "False", reason: StepFailed, message: '"step-build" exited with code 1: Error'}]
steps:
- {name: build, container: step-build, imageID: i, terminationReason: Error, terminated: {exitCode: 1, reason: Error}}
- {name: push, container: step-push, imageID: i, terminationReason: Skipped, terminated: {exitCode: 1, reason: Error}}`,
		Outcome{Phase: Failed, FailedStep: "build", Pod: "p", Container: "step-build", Message: `step "build" failed with exit code 1`}},
	{"failed within the second in which the run was made", `
podName: p
conditions: [{type: Succeeded, status: "False", reason: StepFailed, message: '"step-build" exited with code 1: Error'}]
steps:
- {name: build, container: step-build, imageID: i, terminationReason: Error, terminated: {exitCode: 1, reason: Error, containerID: c, startedAt: "2026-01-01T00:00:00Z", finishedAt: "2026-01-01T00:00:00Z"}}
- {name: push, container: step-push, imageID: i, terminationReason: Skipped, terminated: {exitCode: 1, reason: Error, containerID: c, startedAt: "2026-01-01T00:00:00Z", finishedAt: "2026-01-01T00:00:00Z"}}`,
		Outcome{Phase: Failed, FailedStep: "build", Pod: "p", Container: "step-build", Message: `step "build" failed with exit code 1`}},
	{"the step tells the cause", `
podName: p
conditions: [{type: Succeeded, status: "False", reason: StepFailed, message: '"step-build" exited with code 1: Error'}]
results: [{name: error, type: string, value: "./main.go:6:1: syntax error\n"}]
steps: [{name: build, container: step-build, imageID: i, terminationReason: Error, terminated: {exitCode: 1, reason: Error}}]`,
		Outcome{Phase: Failed, FailedStep: "build", Pod: "p", Container: "step-build", Message: `step "build" failed with exit code 1`,
			Cause: "./main.go:6:1: syntax error"}},
	{"timeout in a step that began within that second", `
podName: p
conditions: [{type: Succeeded, status: "False", reason: TaskRunTimeout, message: 'TaskRun "shop" failed to finish within "15m0s"'}]
steps:
- {name: build, container: step-build, imageID: i, terminationReason: TaskRunTimeout, terminated: {exitCode: 1, reason: TaskRunTimeout, startedAt: "2026-01-01T00:00:00Z"}}
- {name: push, container: step-push, imageID: i, terminationReason: TaskRunTimeout, terminated: {exitCode: 1, reason: TaskRunTimeout, startedAt: "2026-01-01T00:00:00Z"}}`,
		Outcome{Phase: Failed, FailedStep: "build", Message: `the build did not finish within 15m; it was in step "build"`}},
	{"push failed", `
podName: p
conditions: [{type: Succeeded, status: "False", reason: Failed, message: '"step-push" exited with code 1'}]
steps:
- {name: build, container: step-build, imageID: i, terminationReason: Completed, terminated: {exitCode: 0, reason: Completed}}
- {name: push, container: step-push, imageID: i, terminationReason: Error, terminated: {exitCode: 1, reason: Error}}`,
		Outcome{Phase: Failed, FailedStep: "push", Pod: "p", Container: "step-push", Message: `step "push" failed with exit code 1`}},
	{"the registry was away", `
podName: p
conditions: [{type: Succeeded, status: "False", reason: Failed, message: '"step-push" exited with code 75'}]
results: [{name: error, type: string, value: "pushing r/x: connection refused"}]
steps:
- {name: build, container: step-build, imageID: i, terminationReason: Completed, terminated: {exitCode: 0, reason: Completed}}
- {name: push, container: step-push, imageID: i, terminationReason: Error, terminated: {exitCode: 75, reason: Error}}`,
		Outcome{Phase: Failed, FailedStep: "push", Passing: true, Pod: "p", Container: "step-push", Message: `step "push" failed with exit code 75`,
			Cause: "pushing r/x: connection refused"}},
	{"out of memory", `
podName: p
conditions: [{type: Succeeded, status: "False", reason: StepOOM, message: '"step-build" exited with code 137: OOMKilled'}]
steps: [{name: build, container: step-build, imageID: i, terminationReason: OOMKilled, terminated: {exitCode: 137, reason: OOMKilled}}]`,
		Outcome{Phase: Failed, FailedStep: "build", Pod: "p", Container: "step-build", Message: `step "build" ran out of memory`}},
	{"timeout in a step", `
podName: p
conditions: [{type: Succeeded, status: "False", reason: TaskRunTimeout, message: 'TaskRun "shop" failed to finish within "15m0s"'}]
steps:
- {name: build, container: step-build, imageID: i, terminationReason: TaskRunTimeout, terminated: {exitCode: 1, reason: TaskRunTimeout, startedAt: "2026-01-01T00:00:09Z"}}
- {name: push, container: step-push, imageID: i, terminationReason: TaskRunTimeout, terminated: {exitCode: 1, reason: TaskRunTimeout, startedAt: "2026-01-01T00:00:09Z"}}`,
		Outcome{Phase: Failed, FailedStep: "build", Message: `the build did not finish within 15m; it was in step "build"`}},
	{"timeout while waiting", `
podName: p
conditions: [{type: Succeeded, status: "False", reason: TaskRunTimeout, message: "TaskRun \"shop\" failed to finish within \"15m0s\"\nPrevious status: [ExceededNodeResources] TaskRun Pod exceeded available resources"}]
steps:
- {name: build, container: step-build, terminated: {exitCode: 1, reason: TaskRunTimeout, startedAt: "2026-01-01T00:00:00Z"}}`,
		Outcome{Phase: Failed, Passing: true, Message: `the build did not finish within 15m; before that: [ExceededNodeResources] TaskRun Pod exceeded available resources`}},
	{"image pull", `
podName: p
conditions: [{type: Succeeded, status: "False", reason: TaskRunImagePullFailed, message: 'the step "build" in TaskRun "shop" failed to pull the image "". The pod errored with the message: "Back-off pulling image "r/x"."'}]
steps: [{name: build, container: step-build, terminated: {exitCode: 1, reason: TaskRunImagePullFailed, startedAt: "2026-01-01T00:00:00Z"}}]`,
		Outcome{Phase: Failed, Passing: true, Message: `the image of a build step cannot be pulled: Back-off pulling image "r/x"`}},
	{"missing secret", `
podName: p
conditions: [{type: Succeeded, status: "False", reason: CreateContainerConfigError, message: 'the step "push" in TaskRun "shop" failed to start. The pod errored with the message: "secret "registry" not found."'}]`,
		Outcome{Phase: Failed, Passing: true, Message: `the build pod cannot be started: secret "registry" not found`}},
	{"evicted", `
podName: p
conditions: [{type: Succeeded, status: "False", reason: PodEvicted, message: The node was low on resource}]
steps: [{name: build, container: step-build, imageID: i, terminated: {exitCode: 137, reason: Error, startedAt: "2026-01-01T00:00:05Z"}}]`,
		Outcome{Phase: Failed, FailedStep: "build", Passing: true, Message: "the build pod was evicted because its node ran short of memory or disk"}},
	{"refused by Tekton", `
conditions: [{type: Succeeded, status: "False", reason: TaskRunValidationFailed, message: "[User error] invalid input params"}]`,
		Outcome{Phase: Failed, Message: "[User error] invalid input params"}},
	{"cancelled", `
podName: p
conditions: [{type: Succeeded, status: "False", reason: TaskRunCancelled, message: TaskRun was cancelled}]
steps: [{name: build, container: step-build, imageID: i, terminated: {exitCode: 1, reason: TaskRunCancelled}}]`,
		Outcome{Phase: Failed, Message: "the build was cancelled"}},
}

func TestRead(t *testing.T) {
	for _, test := range outcomes {
		t.Run(test.name, func(t *testing.T) {
			run := &TaskRun{}
			if err := yaml.UnmarshalStrict([]byte(test.status), &run.Status); err != nil {
				t.Fatal(err)
			}
			if err := yaml.Unmarshal([]byte(`{creationTimestamp: "2026-01-01T00:00:00Z"}`), &run.ObjectMeta); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, Read(run)); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}
