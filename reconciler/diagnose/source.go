package diagnose

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/render"
)

// Source reads the pod of a container source that does not run, or not for long
// enough to count.
func Source(source *v1alpha1.Source, pod *corev1.Pod) Finding {
	// What may be wrong before a container runs is the same for all.
	like := &v1alpha1.Revision{
		ObjectMeta: metav1.ObjectMeta{Namespace: source.Namespace},
		Spec:       v1alpha1.RevisionSpec{Runtime: v1alpha1.Runtime{Command: source.Spec.Container.Command, Env: source.Spec.Container.Env}},
	}
	if found, ok := unstarted(like, pod); ok {
		return found
	}
	status := kubelet.App(pod)
	end := ended(status)
	switch {
	case end == nil && status.State.Running == nil:
		return passing("the container is being created")
	case end == nil:
		return passing("the container has started")
	case end.Reason == "OOMKilled":
		return failed(v1alpha1.ReasonStartFailed, withLog(fmt.Sprintf("the container used more memory than the %s that it may", render.SourceMemory), end))
	case end.Reason == "StartError", end.Reason == "ContainerCannotRun":
		return failed(v1alpha1.ReasonStartFailed, cannotStart(like, end.Message))
	case end.ExitCode == 0:
		return failed(v1alpha1.ReasonStartFailed, withLog("the container exited with code 0; it has to keep running", end))
	}
	return failed(v1alpha1.ReasonStartFailed, withLog(fmt.Sprintf("the container exited with code %d", end.ExitCode), end))
}
