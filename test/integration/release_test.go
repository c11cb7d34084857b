//go:build integration

package integration

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/specfile"
)

// shopRules are the rules that the files of the parser's tests have.
func shopRules(t *testing.T) map[string]*specfile.Spec {
	t.Helper()
	files, err := filepath.Glob(root + "/watcher/specfile/testdata/valid/release*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	specs := map[string]*specfile.Spec{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if specs[filepath.Base(file)], err = specfile.Parse("headway.yaml", data); err != nil {
			t.Fatal(err)
		}
	}
	return specs
}

// TestRulesOfReleaseAreKept: the API server takes what the parser lets through,
// and changes nothing of it.
func TestRulesOfReleaseAreKept(t *testing.T) {
	ns := namespace(t)
	for file, spec := range shopRules(t) {
		name := strings.TrimSuffix(file, ".yaml")
		asked := v1alpha1.AppSpec{Repository: "repo", Path: "headway.yaml", ProductionRef: "refs/heads/main",
			Release: spec.Release, Sticky: spec.Sticky, Hold: spec.Hold}
		made := &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}, Spec: *asked.DeepCopy()}
		if err := api.Create(t.Context(), made); err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		app, err := get(t, ns, name, &v1alpha1.App{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(asked, app.Spec); diff != "" {
			t.Errorf("%s (-want +got)\n%s", file, diff)
		}
	}
}

// TestReleaseFollowsGit: rules, a share, released tags and tags of approval are
// pushed to a real git server, and stand in the App; a look without news writes
// nothing.
func TestReleaseFollowsGit(t *testing.T) {
	w := newWatched(t)
	one := w.main()
	first := w.follows(one)
	file := func(rules string) map[string]string {
		return map[string]string{"shop/headway.yaml": "name: shop\npath: shop\nsticky: cookie\n" + rules}
	}
	want := func(when, want string) {
		t.Helper()
		w.look()
		app, err := w.app()
		if err != nil {
			t.Fatal(err)
		}
		if got := told(app.Spec); got != want {
			t.Errorf("%s: %s\nwant %s", when, got, want)
		}
		w.look()
		again, err := w.app()
		if err != nil {
			t.Fatal(err)
		}
		if again.ResourceVersion != app.ResourceVersion {
			t.Errorf("%s: a look without news wrote the App\n%s", when, cmp.Diff(app, again))
		}
	}
	two := w.git.CommitAndPush("Release with care", file("release:\n  main: {canary: {steps: [0.25, 50]}, approve: true}\n  beta: {weight: 10}\n"))
	w.git.Push("HEAD:refs/heads/beta")
	want("rules", fmt.Sprintf("main by main: canary of [25 5000]; beta: weight 10%%; sticky; beta@%[1]s main@%[1]s; history %[2]s", two[:7], first))

	tag := "refs/tags/headway/approve/shop/" + two[:7]
	w.git.Push("HEAD:" + tag)
	want("approved", fmt.Sprintf("main by main: canary of [25 5000]; beta: weight 10%%; sticky; beta@%[1]s+approved main@%[1]s+approved; history %[2]s", two[:7], first))
	w.git.Push(":"+tag, ":refs/heads/beta")
	want("taken back, and the branch deleted", fmt.Sprintf("main by main: canary of [25 5000]; beta: weight 10%%; sticky; main@%s; history %s", two[:7], first))

	three := w.git.CommitAndPush("Release tags", file("release: {\"v*\": {bluegreen: {soak: 10m}}}\n"))
	want("no tag", fmt.Sprintf("v* by v*: bluegreen; sticky; main@%s; history %s; NoRelease", three[:7], first))
	w.git.Push(one + ":refs/tags/v1.0.0")
	want("a tag", fmt.Sprintf("v1.0.0 by v*: bluegreen; sticky; main@%s v1.0.0@%s; history %s", three[:7], one[:7], first))
}

// told is a spec in one line.
func told(s v1alpha1.AppSpec) string {
	var parts []string
	for _, r := range s.Release {
		how := "weight " + v1alpha1.Percent(r.Weight)
		switch {
		case r.Canary != nil:
			how = fmt.Sprintf("canary of %v", r.Canary.Steps)
		case r.BlueGreen != nil:
			how = "bluegreen"
		}
		parts = append(parts, r.Refs+": "+how)
	}
	parts[0] = v1alpha1.ShortRef(s.ProductionRef) + " by " + parts[0]
	if s.Sticky != nil {
		parts = append(parts, "sticky")
	}
	var heads []string
	for _, h := range s.Heads {
		head := v1alpha1.ShortRef(h.Ref) + "@" + h.Commit[:7]
		if h.Approved {
			head += "+approved"
		}
		heads = append(heads, head)
	}
	parts = append(parts, strings.Join(heads, " "), "history "+strings.Join(s.History, " "))
	if s.Problem != nil {
		parts = append(parts, s.Problem.Reason)
	}
	return strings.Join(parts, "; ")
}

// TestStickyCanChange: users may be told apart in another way from one commit to
// the next. An empty object, for the cookie of Headway's own, takes the place of
// one with a key.
func TestStickyCanChange(t *testing.T) {
	ns := namespace(t)
	meta := func(kind string) (metav1.TypeMeta, metav1.ObjectMeta) {
		return metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: kind}, metav1.ObjectMeta{Namespace: ns, Name: "shop"}
	}
	for _, sticky := range []*v1alpha1.Sticky{{Header: "X-User"}, {}, {Cookie: "id"}, {}, nil} {
		app := &v1alpha1.App{Spec: v1alpha1.AppSpec{Repository: "repo", Path: "headway.yaml", ProductionRef: "refs/heads/main", Sticky: sticky}}
		app.TypeMeta, app.ObjectMeta = meta("App")
		route := &v1alpha1.Route{Spec: v1alpha1.RouteSpec{App: "shop", Hosts: []string{"shop.localhost"}, Sticky: sticky}}
		route.TypeMeta, route.ObjectMeta = meta("Route")
		if err := errors.Join(apply.Object(t.Context(), api, apply.Watcher, app), apply.Object(t.Context(), api, apply.Reconcilers, route)); err != nil {
			t.Fatalf("%+v: %v", sticky, err)
		}
		if diff := cmp.Diff([]*v1alpha1.Sticky{sticky, sticky}, []*v1alpha1.Sticky{app.Spec.Sticky, route.Spec.Sticky}); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
}
