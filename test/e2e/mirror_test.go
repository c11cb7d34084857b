//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/headway-dev/headway/test/localcluster"
)

// TestMirror: a candidate that waits for its approval gets copies of requests,
// of GET alone and marked. It answers all of them badly: no user sees that, and
// no gate.
func TestMirror(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.cloneFrom(filepath.Join("testdata", "dying"))
	push := func(die string) string {
		code.write("headway.yaml", dyingSpec("main: {canary: {steps: [50], every: 1h}, mirror: 5%, approve: true}", die)+"scale: {max: 1}\n")
		return code.push("Die " + die)
	}
	first := push("")
	code.watch()
	tm.headwayIn(code, "approve", "dying", first, "--yes")
	tm.waitLive("dying", first)

	bad := push("answering 500")
	tm.waitTrial("dying", bad, "approv")
	own := tm.mustRevision("dying", bad).Status.URL
	eventually(t, soon, "it is ready for copies", func() error {
		if _, ready := tm.podsOf(revisionName("dying", bad)); len(ready) == 0 {
			return fmt.Errorf("it has no pod")
		}
		return nil
	})
	time.Sleep(2 * time.Second) // in which the activators hear of the pod
	before := tm.got(own)
	load := startSteady(t, tm.url("dying"), canaryRate)
	web := localcluster.Browser()
	defer web.CloseIdleConnections()
	for range 100 {
		tm.post(web, tm.url("dying"))
	}
	time.Sleep(10 * time.Second)
	sum := load.finish()
	if sum.failed > 0 || sum.of[first] != sum.all {
		t.Errorf("%d of %d answers are bad, %d are not of the live version: %v", sum.failed, sum.all, sum.all-sum.of[first], sum.last)
	}
	time.Sleep(time.Second) // in which the last copies arrive
	got := tm.got(own)
	copies := got.copies - before.copies
	t.Logf("%d of %d requests were copied; it got %+v", copies, sum.all, got)
	// 5% of 2,000 are 100, give or take 10 (one deviation).
	if part := 100 * float64(copies) / float64(sum.all); part < 2.5 || part > 7.5 {
		t.Errorf("%.1f%% were copied, want 5%%", part)
	}
	if got.plain != before.plain || got.others > 0 {
		t.Errorf("it got %+v, want copies of GET alone", got)
	}
	trial := tm.waitTrial("dying", bad, "approv")
	for _, gate := range trial.Gates {
		if gate.Candidate != nil && gate.Candidate.Requests > 0 {
			t.Errorf("the gate %s counts copies: %+v", gate.Name, gate.Candidate)
		}
	}
}

// requests are those that a version of testdata/dying has had.
type requests struct{ plain, copies, others int }

// got asks a version's own URL which requests it has had.
func (tm *team) got(url string) (r requests) {
	tm.Helper()
	web := localcluster.Browser()
	defer web.CloseIdleConnections()
	answer, err := localcluster.Fetch(tm.Context(), web, url+"/got")
	if err == nil {
		_, err = fmt.Sscanf(answer.Body, "%d plain, %d copies of GET, %d of others", &r.plain, &r.copies, &r.others)
	}
	if err != nil {
		tm.Fatalf("asking for requests: %v: %+v", err, answer)
	}
	return r
}

// post sends a request that has to be answered with 200.
func (tm *team) post(web *http.Client, url string) {
	tm.Helper()
	request, err := http.NewRequestWithContext(tm.Context(), http.MethodPost, url, nil)
	if err != nil {
		tm.Fatal(err)
	}
	if answer, err := localcluster.Do(web, request); err != nil || answer.Status != http.StatusOK {
		tm.Errorf("POST: %+v, %v", answer, err)
	}
}
