package autoscaler

import corev1 "k8s.io/api/core/v1"

const (
	// drainingCost makes Kubernetes remove a marked pod before others; theirs
	// is 0.
	drainingCost   = "-1000"
	annotationCost = corev1.PodDeletionCost
)
