package prepull

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/render"
)

const (
	// labelPrepull on a pull pod names the Revision. It has no label of an app's
	// pod: it takes no requests.
	labelPrepull = "headway.dev/prepull"
	// labelNode on a pull pod is the node that it is for, by idOf.
	labelNode = "headway.dev/prepull-node"
	// program in the park image ends at once with this argument.
	program, programArgument = "/headway/park", "--version"
)

// podFor renders the pod that pulls an image: it mounts the revision's image,
// which the kubelet has to pull for that, and runs nothing of it. The scheduler
// puts it on the node, so that the node's rules hold; so do the pull secrets of
// the namespace's service account, as for the app's own pods.
func podFor(pull Pull, parkImage string) *corev1.Pod {
	rev, node := pull.Revision, pull.Node
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			// The same for the same pull, so that it cannot be made twice.
			Name: rev.Name + "-pull-" + idOf(node), Namespace: rev.Namespace,
			Labels:          map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, labelPrepull: rev.Name, labelNode: idOf(node)},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(rev, v1alpha1.GroupVersion.WithKind("Revision"))},
		},
		Spec: corev1.PodSpec{
			Containers: []corev1.Container{{
				Name: "pull", Image: parkImage, ImagePullPolicy: corev1.PullIfNotPresent,
				Command: []string{program, programArgument},
				Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1m"), corev1.ResourceMemory: resource.MustParse("8Mi")},
					Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("32Mi")},
				},
				VolumeMounts: []corev1.VolumeMount{{Name: "image", MountPath: "/image", ReadOnly: true}},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false),
					ReadOnlyRootFilesystem:   new(true),
					Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
			Volumes: []corev1.Volume{{Name: "image", VolumeSource: corev1.VolumeSource{
				Image: &corev1.ImageVolumeSource{Reference: rev.Status.Image, PullPolicy: corev1.PullIfNotPresent},
			}}},
			Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
					MatchFields: []corev1.NodeSelectorRequirement{{
						Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node.Name},
					}},
				}}},
			}},
			RestartPolicy:                 corev1.RestartPolicyNever,
			ActiveDeadlineSeconds:         new(int64((pullLimit + time.Minute).Seconds())),
			TerminationGracePeriodSeconds: new(int64(1)),
			AutomountServiceAccountToken:  new(false),
			EnableServiceLinks:            new(false),
			SecurityContext:               render.PodSecurity(nil),
		},
	}
}

// isPull reports whether a pod is one of ours. Anybody may give a pod of theirs
// the label; it is left alone then, and holds no place.
func isPull(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == "Revision" && owner.Name == pod.Labels[labelPrepull]
}

// progress reports whether a pull pod has ended, and the reason for which it
// failed or waits. A container that has started had its image volume, whatever
// became of it then; only a failure of the pod itself has a reason.
func progress(status *corev1.PodStatus) (ended bool, reason string) {
	switch status.Phase {
	case corev1.PodRunning, corev1.PodSucceeded:
		return true, ""
	case corev1.PodFailed:
		return true, because(status.Reason, status.Message)
	}
	for _, c := range status.ContainerStatuses {
		if wait := c.State.Waiting; wait != nil && !onTheWay[wait.Reason] {
			return false, because(wait.Reason, wait.Message)
		}
	}
	if c := kubelet.Condition(status, corev1.PodScheduled); c.Status == corev1.ConditionFalse {
		return false, because(c.Reason, c.Message)
	}
	return false, ""
}

// onTheWay are the reasons for which every container waits until it runs.
var onTheWay = map[string]bool{"": true, "ContainerCreating": true, "PodInitializing": true}

func because(reason, message string) string { return strings.Trim(reason+": "+message, ": ") }
