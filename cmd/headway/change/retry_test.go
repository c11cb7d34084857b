package change

import (
	"strings"
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestRetriable(t *testing.T) {
	for _, c := range []struct {
		status metav1.ConditionStatus
		reason string
		want   string
	}{
		{"False", v1alpha1.ReasonBuildFailed, ""},
		{"False", v1alpha1.ReasonTemplateNotFound, ""},
		{"False", v1alpha1.ReasonSuperseded, "nothing points at shop any more"},
		{"False", v1alpha1.ReasonInvalidArgs, "change headway.yaml"},
		{"True", v1alpha1.ReasonBuildSucceeded, "has not failed"},
		{"Unknown", v1alpha1.ReasonBuilding, "has not failed"},
	} {
		r := &v1alpha1.Revision{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Status: v1alpha1.RevisionStatus{
			Conditions: []metav1.Condition{{Type: v1alpha1.ConditionBuilt, Status: c.status, Reason: c.reason, Message: "because"}}}}
		err := retriable(r)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.reason, err, c.want)
		}
	}
}
