//go:build e2e

package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestPush: a push of each example, as it is, becomes a URL that answers.
func TestPush(t *testing.T) {
	for _, tt := range []struct{ example, path, text string }{
		{"hello", "", "Hello from Headway!"},
		{"static", "style.css", "{"},
		{"dockerfile", "", "This page was written by a RUN step on Linux"},
	} {
		t.Run(tt.example, func(t *testing.T) {
			t.Parallel()
			tm := newTeam(t)
			code := tm.clone(tt.example)
			commit := code.push("First")
			code.watch()
			app := tm.waitLive(tt.example, commit)

			if err := want("status.url", app.Status.URL+"/", tm.url(tt.example)); err != nil {
				t.Error(err)
			}
			if err := want("status.trafficSummary", app.Status.TrafficSummary, "100% "+commit[:8]); err != nil {
				t.Error(err)
			}
			if err := condition(app.Status.Conditions, v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonLive); err != nil {
				t.Error(err)
			}
			tm.wantAnswer(tm.url(tt.example)+tt.path, tt.text)
			if tt.example == "hello" {
				tm.wantAnswer(tm.url(tt.example), commit)
			}
			revision := tm.mustRevision(tt.example, commit)
			tm.wantAnswer(revision.Status.URL+"/"+tt.path, tt.text)
			if !strings.Contains(revision.Status.Image, "@sha256:") {
				t.Errorf("the image %q is not pinned by digest", revision.Status.Image)
			}
			tm.wantRuns(tt.example, 1)
			if err := tm.answers(tm.url("nobody"), http.StatusNotFound, "nobody."+tm.namespace+".localhost"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestFirstPushAfterAdd: a repository may be added before anything is in it;
// the first push is taken up at once, not after the backoff.
func TestFirstPushAfterAdd(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("static")
	code.watch()
	eventually(t, soon, "the repository says that there is none", func() error {
		status, err := code.status()
		if err != nil {
			return err
		}
		return condition(status.Conditions, v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonRepositoryNotFound)
	})
	commit := code.push("First")
	eventually(t, soon, "the push is seen", func() error {
		_, err := tm.revision("static", commit)
		return err
	})
	tm.waitLive("static", commit)
}

// TestPolling: a push is found without any webhook. The git server's webhooks
// name another URL than the one that is watched here.
func TestPolling(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("static")
	code.write(page, "one\n")
	code.watchAs(v1alpha1.RepositorySpec{URL: code.tree.HostURL, Interval: metav1.Duration{Duration: time.Second}})
	tm.waitLive("static", code.push("One"))
	code.write(page, "two\n")
	tm.waitLive("static", code.push("Two"))
	tm.wantAnswer(tm.url("static"), "two")
}

// TestSecondPushLosesNoRequest: traffic moves under 50 requests per second and
// every one of them is answered, first by the old commit, then by the new.
func TestSecondPushLosesNoRequest(t *testing.T) {
	tm := newTeam(t)
	code := tm.clone("hello")
	first := code.push("First")
	code.watch()
	tm.waitLive("hello", first)
	tm.wantAnswer(tm.url("hello"), first)

	const rate = 50
	load := startLoad(t, tm.url("hello"), rate)
	code.edit("main.go", "Hello from Headway!", "Hello again!")
	second := code.push("Second")
	tm.waitLive("hello", second)
	settled := time.Now().Add(moment)
	code.edit("main.go", "Hello again!", "Hello for the third time!")
	third := code.push("Third")
	tm.waitLive("hello", third)
	answers := load.wantNoneFailed(t)
	by := map[string]int{}
	for _, a := range answers {
		for _, commit := range []string{first, second, third} {
			if strings.Contains(a.Body, commit) {
				by[commit]++
			}
		}
		if a.at.After(settled) && strings.Contains(a.Body, first) {
			t.Errorf("the first commit answered at %s, after the second was live", a.at.Format("15:04:05.000"))
		}
	}
	t.Logf("%d requests: %d by the first commit, %d by the second, %d by the third", len(answers), by[first], by[second], by[third])
	if by[first] < rate || by[second] < rate {
		t.Error("the load did not see both of the commits that it was to see")
	}
}
