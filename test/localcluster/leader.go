package localcluster

import (
	"context"
	"fmt"
	"strings"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Holder is the identity of the process that leads, of a program such as
// headway-controller. One that is started again has another one.
func Holder(ctx context.Context, kube client.Client, program string) (string, error) {
	lease := &coordinationv1.Lease{}
	if err := kube.Get(ctx, client.ObjectKey{Namespace: SystemNamespace, Name: program}, lease); err != nil {
		return "", fmt.Errorf("reading the lease of %s: %w", program, err)
	}
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
		return "", fmt.Errorf("nobody leads %s", program)
	}
	return *lease.Spec.HolderIdentity, nil
}

// Leader is the pod of that process.
func Leader(ctx context.Context, kube client.Client, program string) (*corev1.Pod, error) {
	holder, err := Holder(ctx, kube, program)
	if err != nil {
		return nil, err
	}
	name, _, _ := strings.Cut(holder, "_")
	pod := &corev1.Pod{}
	if err := kube.Get(ctx, client.ObjectKey{Namespace: SystemNamespace, Name: name}, pod); err != nil {
		return nil, fmt.Errorf("reading who leads %s: %w", program, err)
	}
	return pod, nil
}
