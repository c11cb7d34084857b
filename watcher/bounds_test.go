package watcher

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestAppTooLargeStopsNoOther: what one app's files are too many of is said of
// that app, on production and on a further ref; the others follow their commits.
func TestAppTooLargeStopsNoOther(t *testing.T) {
	w := newWorld(t)
	w.change(func(r *v1alpha1.Repository) { r.Spec.Refs = []string{"beta"} })
	w.r.artifactLimits.File = 1000
	site := func(content string) string { return "<p>" + content }
	first := w.git.CommitAndPush("first", map[string]string{
		"big/headway.yaml": "name: big\n", "big/index.html": site("1"),
		"small/headway.yaml": "name: small\n", "small/index.html": site("1")})
	w.look()
	second := w.git.CommitAndPush("huge", map[string]string{"big/index.html": site(strings.Repeat("x", 2000)), "small/index.html": site("2")})
	w.look()
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", second[:8])
	w.wantCondition("SpecValid", metav1.ConditionFalse, "TooLarge", "big/headway.yaml: big/index.html is larger than")
	if got := w.app("small").Spec.Heads[0].Revision; got != "small-"+second[:8] {
		t.Errorf("the head of small is %s, want that of %s", got, second[:8])
	}
	big := w.app("big").Spec
	if big.Heads[0].Revision != "big-"+first[:8] || big.Problem == nil || big.Problem.Reason != "TooLarge" {
		t.Errorf("the App big is %+v, want it as it was with a problem", big)
	}

	w.git.CommitAndPush("mended", map[string]string{"big/index.html": site("3")})
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionTrue, "Valid", "")
	w.git.Commit("huge on beta", map[string]string{"big/index.html": site(strings.Repeat("x", 2000)), "small/index.html": site("beta")})
	w.git.Push("HEAD:refs/heads/beta")
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionFalse, "TooLarge", "beta: big/headway.yaml: ")
	if heads := w.app("small").Spec.Heads; len(heads) != 2 || w.app("big").Spec.Problem != nil {
		t.Errorf("heads of small are %v, problem of big %v; want beta to be followed and no problem of production", heads, w.app("big").Spec.Problem)
	}
}
