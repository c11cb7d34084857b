package diagnose

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// LastCrash is the newest end of a container in a pod that is to stay: nobody
// asked for it, whatever its exit code. One that is known already keeps the
// time at which it was seen, and the last one stays known when its pod is gone.
func LastCrash(rev *v1alpha1.Revision, pods []corev1.Pod, now time.Time) *v1alpha1.Crash {
	var newest *corev1.ContainerStateTerminated
	for i := range pods {
		status := kubelet.App(&pods[i])
		if pods[i].DeletionTimestamp != nil || status == nil {
			continue
		}
		if end := ended(status); end != nil && (newest == nil || later(end, newest)) {
			newest = end
		}
	}
	known := rev.Status.LastCrash
	if newest == nil || known != nil && known.Container == newest.ContainerID {
		return known
	}
	return &v1alpha1.Crash{Container: newest.ContainerID, SeenAt: metav1.MicroTime{Time: now}, Message: crash(rev, newest)}
}

// later orders the ends of containers. Times are in whole seconds, so that the
// ID has to decide between equal ones: always the same way.
func later(a, b *corev1.ContainerStateTerminated) bool {
	if order := a.FinishedAt.Compare(b.FinishedAt.Time); order != 0 {
		return order > 0
	}
	return strings.Compare(a.ContainerID, b.ContainerID) > 0
}

// absentFile is what Go programs log of a file, or of templates, that they do
// not find below the folder in which they start.
var absentFile = regexp.MustCompile("(?:(?:open|stat|lstat) |pattern matches no files: `)([^\\s:`/][^\\s:`]*)(?:`|: no such file or directory)")

// absentHint says how a file of the repository comes into the image of a Go
// program, where the log of its crash names one that is not there.
func absentHint(rev *v1alpha1.Revision, log string) string {
	if rev.Spec.Build == nil || rev.Spec.Build.Template != "go" {
		return ""
	}
	found := absentFile.FindStringSubmatch(log)
	if found == nil {
		return ""
	}
	first, _, _ := strings.Cut(path.Clean(found[1]), "/")
	if first == ".." || strings.ContainsAny(first, "*?[") {
		return ""
	}
	return fmt.Sprintf("; it did not find %s: if that is in the repository, take it along with build: {with: go, args: {files: %s}}", first, first)
}

// Woken reports whether a pod came from the standby.
func Woken(pod *corev1.Pod) bool { return pod.Labels[v1alpha1.LabelStandby] != "" }

// Blocked is why the container of a parked pod does not run; empty while
// nothing is wrong.
func Blocked(rev *v1alpha1.Revision, status *corev1.ContainerStatus) string {
	if status == nil {
		return ""
	}
	if end := ended(status); end != nil {
		message := fmt.Sprintf("the parked pod ended with code %d", end.ExitCode)
		if lines := LastLines(end.Message); len(lines) > 0 {
			message += ": " + OneLine(lines[len(lines)-1])
		}
		return message
	}
	if status.State.Waiting != nil {
		if found, ok := waiting(rev, status.State.Waiting); ok {
			return found.Message
		}
	}
	return ""
}
