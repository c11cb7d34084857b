package autoscaler

import corev1 "k8s.io/api/core/v1"

const (
	// leavingCost makes Kubernetes remove a marked pod before others; theirs
	// is 0.
	leavingCost    = "-1000"
	annotationCost = corev1.PodDeletionCost
)
