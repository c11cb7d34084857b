package prepull

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/diagnose"
)

const (
	// labelPrepull on a pull pod names the Revision. It has no label of an app's
	// pod: it takes no requests.
	labelPrepull = "headway.dev/prepull"
	// labelNode on a pull pod is the nodeID that it is for.
	labelNode = "headway.dev/prepull-node"
	// program in the park image ends at once with this argument.
	program, programArgument = "/headway/park", "--version"
	// nobody is the "nonroot" of distroless images.
	nobody = int64(65532)
)

// podFor renders the pod that pulls an image: it mounts the revision's image,
// which the kubelet has to pull for that, and runs nothing of it. The scheduler
// puts it on the node, so that the node's rules hold; so do the pull secrets of
// the namespace's service account, as for the app's own pods.
func podFor(start Start, parkImage string) *corev1.Pod {
	rev, node := start.Target.Revision, start.Node
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: podName(rev.Name, node.ID), Namespace: rev.Namespace,
			Labels:          map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, labelPrepull: rev.Name, labelNode: node.ID},
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
			Affinity:                      only(node.Name),
			RestartPolicy:                 corev1.RestartPolicyNever,
			ActiveDeadlineSeconds:         new(int64((pullLimit + time.Minute).Seconds())),
			TerminationGracePeriodSeconds: new(int64(1)),
			AutomountServiceAccountToken:  new(false),
			EnableServiceLinks:            new(false),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), RunAsUser: new(nobody), RunAsGroup: new(nobody),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
		},
	}
}

// podName is the same for the same pull, so that it cannot be made twice.
func podName(revision string, node nodeID) string { return revision + "-pull-" + node }

// only lets a pod run on one node.
func only(node string) *corev1.Affinity {
	return &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchFields: []corev1.NodeSelectorRequirement{{
				Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node},
			}},
		}}},
	}}
}

// progress says how far a pull pod is. A container that has started had its
// image volume, whatever became of it then.
func progress(status *corev1.PodStatus) (pullState, string) {
	for _, c := range status.ContainerStatuses {
		switch {
		case c.State.Running != nil, c.State.Terminated != nil && c.State.Terminated.ContainerID != "":
			return done, ""
		case status.Phase == corev1.PodPending && c.State.Waiting != nil && !onTheWay[c.State.Waiting.Reason]:
			return waiting, because(c.State.Waiting.Reason, c.State.Waiting.Message)
		}
	}
	switch status.Phase {
	case corev1.PodSucceeded:
		return done, ""
	case corev1.PodFailed:
		return failed, because(status.Reason, status.Message)
	}
	if c := diagnose.Condition(status, corev1.PodScheduled); c.Status == corev1.ConditionFalse {
		return waiting, because(c.Reason, c.Message)
	}
	return waiting, ""
}

// onTheWay are the reasons for which every container waits until it runs.
var onTheWay = map[string]bool{"": true, "ContainerCreating": true, "PodInitializing": true}

func because(reason, message string) string {
	if message == "" {
		return reason
	}
	return fmt.Sprintf("%s: %s", reason, message)
}
