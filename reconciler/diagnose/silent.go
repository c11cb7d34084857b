package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/probe"
	"github.com/headway-dev/headway/reconciler/render"
)

// SlowStart is when an app that runs but does not answer is worth a hint.
const SlowStart = 10 * time.Second

// silent says that an app which runs does not answer, and what it may listen on
// instead.
func silent(rev *v1alpha1.Revision, listens probe.Listening) string {
	return fmt.Sprintf("the app runs, but %s; %s", missedCheck(rev), portHint(rev, listens))
}

// stoppedSilent says the same of an app that was stopped for it.
func stoppedSilent(rev *v1alpha1.Revision, listens probe.Listening) string {
	return fmt.Sprintf("%s within %s, so it was started again; %s", missedCheck(rev), render.StartLimit, portHint(rev, listens))
}

// neverAnswered is true for a container that ran until the startup check gave
// up: it took as long as that, and the pod has not been ready since the
// container started. Its exit code tells nothing, for it is the app's answer to
// the signal to stop; a Go program gives 2, another may give 0.
func neverAnswered(pod *corev1.Pod, end *corev1.ContainerStateTerminated) bool {
	if end.Reason == "OOMKilled" || end.FinishedAt.Sub(end.StartedAt.Time) < render.StartLimit {
		return false
	}
	c := kubelet.Condition(&pod.Status, corev1.PodReady)
	return c.Type != "" && c.Status != corev1.ConditionTrue && !c.LastTransitionTime.After(end.StartedAt.Time)
}

func missedCheck(rev *v1alpha1.Revision) string {
	if path := rev.Spec.HealthPath(); path != "" {
		return fmt.Sprintf("GET %s on port %d did not answer 2xx or 3xx", path, rev.Spec.Port)
	}
	return fmt.Sprintf("port %d did not accept a connection", rev.Spec.Port)
}

// portHint says what to look at, by what is known of the pod's ports.
func portHint(rev *v1alpha1.Revision, listens probe.Listening) string {
	switch {
	case slices.Contains(listens.Ports, rev.Spec.Port):
		if rev.Spec.HealthPath() == "" { // it has come up meanwhile
			return "does it listen on $PORT?"
		}
		return "the port takes connections, so look at what the app answers there, and at health.path in headway.yaml"
	case len(listens.Ports) > 0:
		var ports []string
		for _, port := range listens.Ports {
			ports = append(ports, fmt.Sprint(port))
		}
		return fmt.Sprintf("it listens on port %s: let it listen on $PORT, or write port: %d in headway.yaml", strings.Join(ports, " and "), listens.Ports[0])
	case listens.Reached:
		return `nothing listens there on the pod's address, and a server on localhost or 127.0.0.1 cannot be reached: let it listen on all addresses and on $PORT, in Go on ":"+os.Getenv("PORT")`
	}
	return "does it listen on $PORT?"
}
