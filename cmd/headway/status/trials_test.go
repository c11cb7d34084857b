package status

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// canary is an app at the second step of a canary, with a share beside it.
func canary() []client.Object {
	next := metav1.NewMicroTime(noon.Add(30 * time.Second))
	return []client.Object{
		app("default", "shop", func(a *v1alpha1.App) {
			a.Spec.Heads = []v1alpha1.Head{{Ref: "refs/heads/main", Revision: "shop-5e6f7081"}, {Ref: "refs/heads/beta", Revision: "shop-66666666"}}
			a.Spec.Hold = true
			a.Spec.Release = []v1alpha1.Rule{
				{Refs: "main", Canary: &v1alpha1.Canary{Steps: []int32{100, 500, 2500, 5000}, Every: metav1.Duration{Duration: 2 * time.Minute}},
					Gates: &v1alpha1.Gates{Errors: 5000, Quantile: 95, Within: metav1.Duration{Duration: 300 * time.Millisecond}, MinRequests: 200}},
				{Refs: "beta", Weight: 1000},
			}
			a.Status.TrafficSummary = "85% 1a2b3c4d, 10% 66666666, 5% 5e6f7081"
			a.Status.Revisions = []v1alpha1.RevisionRole{
				{Name: "shop-1a2b3c4d", Role: v1alpha1.RoleLive, Weight: 8500}, {Name: "shop-5e6f7081", Role: v1alpha1.RoleCandidate, Weight: 500},
				{Name: "shop-66666666", Role: v1alpha1.RoleShare, Weight: 1000}}
			a.Status.Trials = []v1alpha1.Trial{
				{Revision: "shop-5e6f7081", Ref: "refs/heads/main", Step: 2, Steps: 4, Weight: 500, Since: micro(90 * time.Second), Next: &next,
					Requests: 12, MinRequests: 200, Waiting: "until 12:00:30 UTC", Gates: []v1alpha1.GateStatus{
						{Name: "errors", Verdict: v1alpha1.VerdictDoubtful, Evidence: "21.3", Limit: "200", Message: "errors: 1.2% of 812",
							Candidate: &v1alpha1.Tally{Requests: 812, Bad: 10}, Stable: &v1alpha1.Tally{Requests: 15400, Bad: 46}},
						{Name: "p95", Verdict: v1alpha1.VerdictPassing, Evidence: "0.7", Limit: "200",
							Candidate: &v1alpha1.Tally{Requests: 812, Micros: 182112}, Stable: &v1alpha1.Tally{Requests: 15400, Micros: 179004}},
						{Name: "http", Verdict: v1alpha1.VerdictWaiting, Message: "http://checks/shop answered 503\x1b[2J"}}},
				{Revision: "shop-66666666", Ref: "refs/heads/beta", Weight: 1000, Since: micro(26 * time.Hour), Held: "errors: 3% of 100 requests", Waiting: "for a person: headway promote goes on"},
			}
		}),
		revision("default", "shop", "1a2b3c4d", time.Hour, nil),
		revision("default", "shop", "5e6f7081", 10*time.Minute, nil),
		revision("default", "shop", "66666666", 30*time.Hour, func(r *v1alpha1.Revision) { r.Spec.Ref = "refs/heads/beta" }),
	}
}

func TestTrials(t *testing.T) {
	c := fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(canary()...).Build()
	s, err := readState(context.Background(), c, "default", "shop")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "status_trials.golden", rendered(s, view{namespace: "default", app: "shop", now: noon}))
}

func TestWhy(t *testing.T) {
	c := fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(canary()...).Build()
	answer, err := why(context.Background(), c, "default", "shop", noon)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	reason{answer}.write(&b, view{now: noon})
	golden(t, "why.golden", b.String())
	want := "in namespace other: there is no app and no revision shop"
	if _, err := why(context.Background(), c, "other", "shop", noon); err == nil || err.Error() != want {
		t.Errorf("error = %v, want %q", err, want)
	}
}
