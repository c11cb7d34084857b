package revision

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/reconciler/ssa"
)

func TestOwnsReplicas(t *testing.T) {
	entry := func(manager string, op metav1.ManagedFieldsOperationType, fields string) metav1.ManagedFieldsEntry {
		return metav1.ManagedFieldsEntry{Manager: manager, Operation: op, FieldsV1: metav1.NewFieldsV1(fields)}
	}
	const with, without = `{"f:metadata":{},"f:spec":{"f:replicas":{},"f:template":{}}}`, `{"f:spec":{"f:template":{"f:replicas":{}}}}`
	const apply, update = metav1.ManagedFieldsOperationApply, metav1.ManagedFieldsOperationUpdate
	for _, tc := range []struct {
		name     string
		managers []metav1.ManagedFieldsEntry
		want     bool
	}{
		{"nobody", nil, false},
		{"we", []metav1.ManagedFieldsEntry{entry("other", apply, without), entry(ssa.FieldManager, apply, with)}, true},
		{"another", []metav1.ManagedFieldsEntry{entry(ssa.FieldManager, apply, without), entry("kubectl", apply, with)}, false},
		{"we, but not by apply", []metav1.ManagedFieldsEntry{entry(ssa.FieldManager, update, with)}, false},
		{"no fields", []metav1.ManagedFieldsEntry{{Manager: ssa.FieldManager, Operation: apply}}, false},
	} {
		if got, err := ownsReplicas(tc.managers); got != tc.want || err != nil {
			t.Errorf("%s: %v, %v", tc.name, got, err)
		}
	}
	if _, err := ownsReplicas([]metav1.ManagedFieldsEntry{entry(ssa.FieldManager, apply, "{")}); err == nil {
		t.Error("fields that cannot be read are no error")
	}
}
