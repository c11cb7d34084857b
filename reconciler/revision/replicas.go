package revision

import (
	"context"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/reconciler/ssa"
)

// autoscaler is the field manager that owns the number of pods.
const autoscaler = "headway-autoscaler"

// releaseReplicas hands the number of pods of a Deployment over to the
// autoscaler, where an older Headway has set it. To leave the field out of the
// next apply is not enough: what its only owner no longer applies, the API
// server takes away, and the default of one pod comes in its place.
func (r *Reconciler) releaseReplicas(ctx context.Context, key client.ObjectKey) error {
	var live appsv1.Deployment
	if err := r.Live.Get(ctx, key, &live); err != nil {
		return fmt.Errorf("reading deployment %s: %w", key.Name, err)
	}
	ours, err := ownsReplicas(live.ManagedFields)
	if err != nil {
		return fmt.Errorf("reading the owners of deployment %s: %w", key.Name, err)
	}
	if !ours {
		return nil
	}
	shared := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{
			"name": key.Name, "namespace": key.Namespace,
			"resourceVersion": live.ResourceVersion, // the number must be the one in force
		},
		"spec": map[string]any{"replicas": int64(podsAsked(&live))},
	}}
	err = r.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(shared), client.FieldOwner(autoscaler))
	if err != nil {
		return fmt.Errorf("handing over the replicas of deployment %s: %w", key.Name, err)
	}
	return nil
}

// ownsReplicas reports whether our own apply has set spec.replicas.
func ownsReplicas(managers []metav1.ManagedFieldsEntry) (bool, error) {
	for _, m := range managers {
		if m.Manager != ssa.FieldManager || m.Operation != metav1.ManagedFieldsOperationApply || m.FieldsV1 == nil {
			continue
		}
		var fields struct {
			Spec map[string]json.RawMessage `json:"f:spec"`
		}
		if err := json.NewDecoder(m.FieldsV1.GetRawReader()).Decode(&fields); err != nil {
			return false, err
		}
		if _, ours := fields.Spec["f:replicas"]; ours {
			return true, nil
		}
	}
	return false, nil
}
