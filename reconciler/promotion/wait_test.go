package promotion

import (
	"os"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/api/window"
)

// TestWaits has one trial that all checks hold for, and one thing wrong with it
// at a time. The page about promotion shows each text.
func TestWaits(t *testing.T) {
	page, err := os.ReadFile("../../docs/promotion.md")
	if err != nil {
		t.Fatal(err)
	}
	weekend, err := window.Parse("fri 16:00 - mon 08:00 Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	friday := time.Date(2026, 3, 6, 16, 0, 0, 0, time.UTC)
	end, _ := weekend.Until(friday)
	for _, tc := range []struct {
		name  string
		wrong func(*trial)
		want  wait
	}{
		{"nothing", func(*trial) {}, wait{}},
		{"its pods", func(t *trial) { t.revision.Ready = false }, wait{text: "for its pods to be ready"}},
		{"hold", func(t *trial) { t.in.Hold = true }, wait{text: "for hold to be taken out of headway.yaml"}},
		{"frozen", func(t *trial) { t.head.Frozen = Freeze{end, weekend.String()} },
			wait{text: `frozen until Mon 2026-03-09 08:00 CET by "fri 16:00 - mon 08:00 Europe/Berlin"`, until: end}},
		{"not frozen any more", func(t *trial) { t.head.Frozen = Freeze{friday, weekend.String()} }, wait{}},
		{"approval", func(t *trial) { t.head.Approved, t.Step = false, 0 },
			wait{text: "for the approving tag: git tag headway/approve/shop/1a2b3c4d 1a2b3c4d && git push origin headway/approve/shop/1a2b3c4d"}},
		{"approval once it has begun", func(t *trial) { t.head.Approved = false }, wait{}},
		{"doubts that a person decides on", func(t *trial) { t.Held = "errors: 2% of 300 requests" },
			wait{text: "for a person: headway promote goes on, headway rollback goes back, so does a newer commit"}},
		{"its job was not asked", func(t *trial) { t.Gates = nil }, wait{text: "for its job to succeed"}},
		{"its job runs", func(t *trial) { t.Gates[0].Verdict, t.Gates[0].Message = v1alpha1.VerdictWaiting, "it runs" },
			wait{text: "for its job to succeed: it runs"}},
		{"doubts", func(t *trial) { t.Gates[1].Verdict = v1alpha1.VerdictDoubtful },
			wait{text: "for the evidence about errors to clear it, or to be enough to fail it"}},
		{"a gate with too few requests leaves it to the requests", func(t *trial) { t.Gates[1].Verdict = v1alpha1.VerdictWaiting }, wait{}},
		{"time", func(t *trial) {
			t.in.Now = friday.Add(-2 * time.Hour)
			t.Since = metav1.NewMicroTime(friday.Add(-117 * time.Minute))
		},
			wait{text: "until 14:05:00 UTC", until: time.Date(2026, 3, 6, 14, 5, 0, 0, time.UTC)}},
		{"requests", func(t *trial) { t.Requests = 12 }, wait{text: "12 of 200 requests"}},
		{"pods", func(t *trial) { t.revision.Carries = 2400 }, wait{text: "for pods that can carry 25% of the traffic", pods: true}},
	} {
		x := &trial{
			in: &Input{App: "shop", Now: friday},
			head: &Head{Ref: "refs/heads/main", Revision: "b", Commit: "1a2b3c4d5e6f", Approved: true,
				Rule: v1alpha1.Rule{Approve: true, Gates: &v1alpha1.Gates{Job: []string{"smoke"}}}},
			revision: Revision{Ready: true, Carries: 2500}, lasts: 2 * time.Minute, carry: 2500,
			Trial: v1alpha1.Trial{
				Revision: "b", Step: 2, Requests: 200, MinRequests: 200, Since: metav1.NewMicroTime(friday.Add(-2 * time.Minute)),
				Gates: []v1alpha1.GateStatus{{Name: "job", Verdict: v1alpha1.VerdictPassing}, {Name: "errors", Verdict: v1alpha1.VerdictPassing}},
			},
		}
		tc.wrong(x)
		got := x.first(beforeStep)
		if got.text != tc.want.text || !got.until.Equal(tc.want.until) || got.pods != tc.want.pods {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
		if text, _, _ := strings.Cut(got.text, ": it"); !strings.Contains(string(page), text) {
			t.Errorf("docs/promotion.md does not show %q", text)
		}
	}
}
