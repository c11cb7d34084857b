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
	app := app("default", "shop", func(a *v1alpha1.App) {
		a.Status.Deployments = deployments
		a.Status.Revisions = []v1alpha1.RevisionRole{
			{Name: "shop-1a2b3c4d", Role: v1alpha1.RoleLive}, {Name: "shop-99999999", Role: v1alpha1.RoleQuarantined, Since: micro(3 * time.Minute)},
			{Name: "shop-88888888", Role: v1alpha1.RoleQuarantined, Since: micro(10 * time.Minute), Message: "errors: 41% of 17 requests, stable 0.2% of 331; evidence 212 of 200\n…"}}
	})
	revisions := []v1alpha1.Revision{*revision("default", "shop", "88888888", time.Hour, nil)}
	var b strings.Builder
	historyOf(app, revisions).write(&b, view{now: noon})
	golden(t, "history.golden", b.String())
	b.Reset()
	if (history{}).write(&b, view{now: noon}); b.String() != "Nothing has been live yet.\n" {
		t.Errorf("without deployments: %q", b.String())
	}
}
