package localcluster

import (
	"context"
	"fmt"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Leader is the pod of the replica that leads, of a program such as
// headway-controller.
func Leader(ctx context.Context, kube client.Client, program string) (*corev1.Pod, error) {
	lease := &coordinationv1.Lease{}
	if err := kube.Get(ctx, client.ObjectKey{Namespace: SystemNamespace, Name: program}, lease); err != nil {
		return nil, fmt.Errorf("reading the lease of %s: %w", program, err)
	}
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
		return nil, fmt.Errorf("nobody leads %s", program)
	}
	name, _, _ := strings.Cut(*lease.Spec.HolderIdentity, "_")
	pod := &corev1.Pod{}
	if err := kube.Get(ctx, client.ObjectKey{Namespace: SystemNamespace, Name: name}, pod); err != nil {
		return nil, fmt.Errorf("reading who leads %s: %w", program, err)
	}
	return pod, nil
}
