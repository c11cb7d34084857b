package v1alpha1

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestSendsTo(t *testing.T) {
	for name, tc := range map[string]struct {
		sends   []string
		preview *BuiltFor
		want    []Send
	}{
		"none":                                 {nil, nil, nil},
		"some":                                 {[]string{"orders", "mails"}, nil, []Send{{"orders", "shop", "orders"}, {"mails", "shop", "mails"}}},
		"another namespace":                    {[]string{"billing/invoices"}, nil, []Send{{"invoices", "billing", "invoices"}}},
		"one name twice":                       {[]string{"orders", "billing/orders"}, nil, []Send{{"orders", "shop", "orders"}}},
		"a preview":                            {[]string{"orders"}, &BuiltFor{App: "till", ChannelSuffix: "-pr-7"}, []Send{{"orders", "shop", "orders-pr-7"}}},
		"a preview without branches":           {[]string{"orders"}, &BuiltFor{App: "till"}, nil},
		"a preview never leaves its namespace": {[]string{"billing/invoices", "shop/orders"}, &BuiltFor{App: "till", Fork: true, ChannelSuffix: "-pr-7"}, []Send{{"orders", "shop", "orders-pr-7"}}},
	} {
		rev := &Revision{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}, Spec: RevisionSpec{Preview: tc.preview, Runtime: Runtime{Sends: tc.sends}}}
		if diff := cmp.Diff(tc.want, rev.SendsTo()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
