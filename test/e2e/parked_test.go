//go:build e2e

package e2e

import (
	"bufio"
	"cmp"
	"fmt"
	"net"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// waitParked waits until one parked pod is all that a revision has, and all is
// at rest.
func (tm *team) waitParked(revision string) (parked corev1.Pod) {
	tm.Helper()
	eventually(tm.T, cleanedUp, revision+" is parked", func() error {
		deployment, seen := &appsv1.Deployment{}, &v1alpha1.Revision{}
		if err := tm.get(revision, deployment); err != nil {
			return err
		}
		if err := tm.get(revision, seen); err != nil {
			return err
		}
		var pods corev1.PodList // also those that are leaving
		if err := kube.List(tm.Context(), &pods, client.InNamespace(tm.namespace), client.MatchingLabels{v1alpha1.LabelRevision: revision}); err != nil {
			return err
		}
		for _, err := range []error{
			want("spec.replicas", *deployment.Spec.Replicas, 0),
			want("the number of pods", len(pods.Items), 1),
			want("status.replicas", seen.Status.Replicas, 0),
			want("status.standby", *cmp.Or(seen.Status.Standby, &v1alpha1.Standby{}), v1alpha1.Standby{Asked: 1, Parked: 1}),
			condition(seen.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonIdle),
		} {
			if err != nil {
				return err
			}
		}
		parked = pods.Items[0]
		if isReady(&parked) {
			return fmt.Errorf("%s is ready for traffic", parked.Name)
		}
		return want("its label", parked.Labels[v1alpha1.LabelStandby], v1alpha1.StandbyParked)
	})
	return parked
}

// standbyOf are the parked pods of a revision that are not leaving.
func (tm *team) standbyOf(revision string) (parked []corev1.Pod) {
	tm.Helper()
	running, _ := tm.podsOf(revision)
	for _, pod := range running {
		if pod.Labels[v1alpha1.LabelStandby] == v1alpha1.StandbyParked && !isReady(&pod) {
			parked = append(parked, pod)
		}
	}
	return parked
}

// waitStandby waits until a revision has one parked pod that could be woken,
// beside whatever runs.
func (tm *team) waitStandby(revision string) (parked corev1.Pod) {
	tm.Helper()
	eventually(tm.T, soon, revision+" has a parked pod", func() error {
		all := tm.standbyOf(revision)
		if len(all) != 1 {
			return fmt.Errorf("%d are parked", len(all))
		}
		parked = all[0]
		return want("its phase", parked.Status.Phase, corev1.PodRunning)
	})
	return parked
}

// waitWoken waits until a pod that was parked counts as one of its revision's.
func (tm *team) waitWoken(revision, name string) {
	tm.Helper()
	eventually(tm.T, soon, name+" is one of the revision's own", func() error {
		pod, seen := &corev1.Pod{}, &v1alpha1.Revision{}
		if err := tm.get(name, pod); err != nil {
			return err
		}
		if err := want("its label", pod.Labels[v1alpha1.LabelStandby], v1alpha1.StandbyWoken); err != nil {
			return err
		}
		owner := metav1.GetControllerOf(pod)
		if owner == nil || owner.Kind != "Revision" || owner.Name != revision {
			return fmt.Errorf("its owner is %v", owner)
		}
		if err := tm.get(revision, seen); err != nil {
			return err
		}
		return want("status.replicas", seen.Status.Replicas, 1)
	})
}

// tell sends a line to the port of a parked pod and returns what it says.
func (tm *team) tell(pod corev1.Pod, line string) string {
	tm.Helper()
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(tm.Context(), "tcp", net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(v1alpha1.ParkPort)))
	if err != nil {
		tm.Fatalf("reaching %s: %v", pod.Name, err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		tm.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "%s\n", line); err != nil {
		tm.Fatalf("talking to %s: %v", pod.Name, err)
	}
	said, _ := bufio.NewReader(conn).ReadString('\n')
	return said
}
