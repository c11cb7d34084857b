//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/test/localcluster"
)

// dump writes what one would look at first after a failure: conditions, pods
// and their last log lines.
func (tm *team) dump() {
	ctx := context.Background() // the test's own is over by now
	var out strings.Builder
	tm.dumpConditions(ctx, &out)
	dumpPods(ctx, &out, client.InNamespace(tm.namespace))
	dumpPods(ctx, &out, client.InNamespace(localcluster.BuildNamespace), client.MatchingLabels{v1alpha1.LabelNamespace: tm.namespace})
	dumpPods(ctx, &out, client.InNamespace(localcluster.SystemNamespace))
	tm.Logf("what the cluster says of namespace %s:\n%s", tm.namespace, out.String())
}

func (tm *team) dumpConditions(ctx context.Context, out io.Writer) {
	in := client.InNamespace(tm.namespace)
	var repositories v1alpha1.RepositoryList
	var apps v1alpha1.AppList
	var revisions v1alpha1.RevisionList
	for _, list := range []client.ObjectList{&repositories, &apps, &revisions} {
		if err := kube.List(ctx, list, in); err != nil {
			fmt.Fprintln(out, "listing:", err)
		}
	}
	for _, r := range repositories.Items {
		fmt.Fprintf(out, "repository %s at %.8s\n", r.Name, r.Status.Commit)
		dumpList(out, r.Status.Conditions)
	}
	for _, a := range apps.Items {
		fmt.Fprintf(out, "app %s: live %q, heads %v, pin %q\n", a.Name, a.Status.Live, a.Spec.Heads, a.Spec.Pin)
		dumpList(out, a.Status.Conditions)
	}
	for _, r := range revisions.Items {
		fmt.Fprintf(out, "revision %s: %s, replicas %d, image %s\n", r.Name, r.Status.State, r.Status.Replicas, r.Status.Image)
		dumpList(out, r.Status.Conditions)
	}
}

func dumpList(out io.Writer, conditions []metav1.Condition) {
	for _, c := range conditions {
		fmt.Fprintf(out, "  %s=%s %s: %s\n", c.Type, c.Status, c.Reason, c.Message)
	}
}

// dumpPods writes the pods and the last log lines of every container.
func dumpPods(ctx context.Context, out io.Writer, which ...client.ListOption) {
	var pods corev1.PodList
	if err := kube.List(ctx, &pods, which...); err != nil {
		fmt.Fprintln(out, "listing pods:", err)
		return
	}
	lines := int64(25)
	for _, pod := range pods.Items {
		fmt.Fprintf(out, "pod %s/%s %s %s\n", pod.Namespace, pod.Name, pod.Status.Phase, pod.Status.Message)
		for _, c := range pod.Status.ContainerStatuses {
			if c.State.Waiting != nil {
				fmt.Fprintf(out, "  %s waits: %s: %s\n", c.Name, c.State.Waiting.Reason, c.State.Waiting.Message)
				continue
			}
			options := &corev1.PodLogOptions{Container: c.Name, TailLines: &lines}
			text, err := cluster.Logs.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).DoRaw(ctx)
			if err != nil {
				fmt.Fprintf(out, "  %s: no log: %v\n", c.Name, err)
				continue
			}
			fmt.Fprintf(out, "  %s, restarts %d:\n    %s\n", c.Name, c.RestartCount, strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n    "))
		}
	}
}
