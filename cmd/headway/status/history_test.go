package status

import (
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestHistory(t *testing.T) {
	until := func(d time.Duration) *metav1.MicroTime {
		at := micro(d)
		return &at
	}
	deployments := []v1alpha1.Deployment{
		{Revision: "shop-1a2b3c4d", Commit: strings.Repeat("1a2b3c4d", 5), Author: "Ada Lovelace", Subject: "Count the orders",
			From: micro(3 * time.Minute), Cause: "rolled back to, as shop-99999999 failed"},
		{Revision: "shop-99999999", Commit: strings.Repeat("9", 40), Author: "Bob \x1b[2J", Subject: "Count faster \x1b[31mand clear the screen of whoever looks, at great length",
			From: micro(5 * time.Minute), Until: until(3 * time.Minute), Cause: "pushed",
			End: "failed: the container exited with code 2\n  panic: runtime error: index out of range"},
		{Revision: "shop-1a2b3c4d", Commit: strings.Repeat("1a2b3c4d", 5), Author: "Ada Lovelace", Subject: "Count the orders",
			From: micro(50 * time.Hour), Until: until(5 * time.Minute), Cause: "first", End: "replaced by shop-99999999"},
	}
	var b strings.Builder
	writeHistory(&b, deployments, noon)
	golden(t, "history.golden", b.String())
	b.Reset()
	if writeHistory(&b, nil, noon); b.String() != "Nothing has been live yet.\n" {
		t.Errorf("without deployments: %q", b.String())
	}
}
