package autoscaler

import corev1 "k8s.io/api/core/v1"

const (
	// FieldManager owns what the autoscaler writes.
	FieldManager = "headway-autoscaler"
	// Audience is what an activator's token must be made for.
	Audience = "headway-autoscaler"
	// LabelLeaving is on pods that are about to be removed; activators send
	// them no new request. It may be taken off again.
	LabelLeaving = "headway.dev/leaving"
	// AnnotationScaling on a Revision explains the last change of its number
	// of pods in one line.
	AnnotationScaling = "headway.dev/scaling"

	// leavingCost makes Kubernetes remove a marked pod before others; theirs
	// is 0.
	leavingCost    = "-1000"
	annotationCost = corev1.PodDeletionCost
)
