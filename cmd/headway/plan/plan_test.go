package plan

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	planner "github.com/headway-dev/headway/watcher/plan"
	"github.com/headway-dev/headway/watcher/tree"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

const main = "refs/heads/main"

// files are the content of a commit by path; the id of a file is its content.
type files map[string]string

func (files) Read(blob string, limit int64) ([]byte, error) {
	return []byte(blob[:min(int64(len(blob)), limit+1)]), nil
}

// at is the point of a commit with a short name.
func (f files) at(t *testing.T, commit string) point {
	c := &tree.Commit{Hash: strings.Repeat(commit, 40)[:40]}
	for name, content := range f {
		c.Files = append(c.Files, tree.File{Path: name, Mode: tree.Regular, Blob: content})
	}
	c.Sort()
	specs, err := planner.ReadSpecFiles(c, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := specs.Resolve(c, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	return point{s, c}
}

func shop(spec string) files {
	return files{"shop/headway.yaml": "name: shop\n" + spec, "shop/index.html": "<p>shop"}
}

// TestPlanOnACluster: the cluster knows more than the clone: revisions that have
// been built before, what is live, and a candidate that is on its way.
func TestPlanOnACluster(t *testing.T) {
	const canary = "release: {main: {canary: {steps: [1, 5]}}}\n"
	old, live, next := shop(canary), shop(canary), shop(canary)
	old["shop/index.html"] = "<p>old"
	next["shop/index.html"] = "<p>next"
	// What the cluster has: an old version, one that is live, one on its way.
	w := world{}
	for _, p := range []point{old.at(t, "0"), live.at(t, "1"), next.at(t, "2")} {
		made := planner.Make((&observed{ref: main, production: main}).facts(w, p))
		step := after(made)
		step.revisions = append(w.revisions, step.revisions...)
		w = step
	}
	app := w.apps["shop"]
	app.Namespace, app.Spec.Repository = "default", "mono"
	app.Status.TrafficSummary = "99% 11111111, 1% 22222222"
	app.Status.Trials = []v1alpha1.Trial{{Revision: "shop-22222222", Ref: main, Weight: 100}}
	objects := []client.Object{app,
		&v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "site"}, Spec: v1alpha1.AppSpec{Repository: "other"}},
		&v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "mono"}, Spec: v1alpha1.RepositorySpec{ProductionBranch: "main"}}}
	for _, r := range w.revisions {
		r.Namespace, r.Spec.Repository = "default", "mono"
		objects = append(objects, r)
	}
	c := fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(objects...).Build()

	reverted := shop(canary)
	reverted["shop/index.html"] = "<p>old"
	reverted["site/headway.yaml"], reverted["site/index.html"] = "name: site", "<p>site"
	pushed := reverted.at(t, "3")
	there, err := worldOf(context.Background(), c, "default", pushed.snapshot)
	if err != nil || there.branch != "main" || len(there.revisions) != 3 {
		t.Fatalf("%d revisions on %s: %v", len(there.revisions), there.branch, err)
	}
	s := &observed{remote: "origin", ref: main, production: main, pushed: pushed, was: next.at(t, "2"), base: next.at(t, "2")}
	var b strings.Builder
	s.plan(there, noon).write(&b, false)
	want := `A push of main to origin.

shop: a new version, without a build
  Changed    shop/index.html
  Revision   shop-33333333
  Image      no build: that of shop-00000000, which was built from the same files
  Rule       main (canary)
  Traffic    1% at once, 5% after 2m and 200 requests, 100% after 4m at the earliest
  Gates      errors at most 1%, or no worse than the live version; 200 requests in each step; a good version fails with a chance of 1%
  On fail    back to 0%, and the commit is quarantined
  Replaces   shop-22222222, which is at 1%
  Live now   99% 11111111, 1% 22222222

site: refused; what is live stays
  Why   site/headway.yaml: name: the App "site" of this namespace belongs to Repository "other"; choose another name
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	if _, err := worldOf(context.Background(), c, "elsewhere", pushed.snapshot); err == nil {
		t.Error("a namespace without the app says what is there")
	}
}

// TestWaits: what is in the way of a new version is said, and nothing else.
func TestWaits(t *testing.T) {
	const frozen = `release: {main: {bluegreen: {soak: 10m}, freeze: ["mon 08:00 - mon 18:00 UTC"], approve: true}}` + "\n"
	for _, c := range []struct {
		name, spec string
		now        time.Time
		want       []string
	}{
		{"nothing", "", noon, nil},
		{"frozen", frozen, noon, []string{`the freeze "mon 08:00 - mon 18:00 UTC", until 2026-05-04 18:00Z`}},
		{"not frozen any more", frozen, noon.Add(24 * time.Hour), nil},
		{"held", "hold: true\n", noon, []string{"the hold: nothing goes forward until headway resume shop"}},
		{"pinned", "pin: 1111111\n", noon, []string{"the pin: shop-11111111 keeps all traffic until headway resume shop"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, next := shop(""), shop(c.spec)
			next["shop/index.html"] = "<p>next"
			base := before.at(t, "1")
			s := &observed{ref: main, production: main, pushed: next.at(t, "2"), was: base, base: base}
			p := s.plan(world{}, c.now)
			if len(p.Apps) != 1 || p.Apps[0].Outcome != Builds {
				t.Fatalf("%+v", p.Apps)
			}
			if diff := cmp.Diff(c.want, p.Apps[0].Waits); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestReusesPreviews: what was built for the preview of an own branch is there for
// the app, so that a merge builds nothing; that of a fork is not.
func TestReusesPreviews(t *testing.T) {
	next := shop("")
	next["shop/index.html"] = "<p>next"
	base := shop("").at(t, "1")
	for _, c := range []struct {
		fork bool
		want Outcome
	}{{false, Reuses}, {true, Builds}} {
		s := &observed{ref: main, production: main, pushed: next.at(t, "2"), was: base, base: base}
		w := after(planner.Make(s.facts(world{}, base)))
		w.repository = "mono"
		merged := after(planner.Make(s.facts(world{}, s.pushed))).revisions[0]
		merged.Name, merged.Spec.App = "shop-pr-3-33333333", "shop-pr-3"
		merged.Spec.Preview = &v1alpha1.BuiltFor{App: "shop", Fork: c.fork}
		w.revisions = append(w.revisions, merged)
		if p := s.plan(w, noon); len(p.Apps) != 1 || p.Apps[0].Outcome != c.want {
			t.Errorf("fork %v: %+v, want %s", c.fork, p.Apps, c.want)
		}
	}
}

// TestPlanOfAPreview: where the cluster has a preview of the branch already, the
// push updates it; one of another branch is none of its.
func TestPlanOfAPreview(t *testing.T) {
	next := shop("preview: true\n")
	next["shop/index.html"] = "<p>next"
	base := shop("preview: true\n").at(t, "1")
	s := &observed{ref: "refs/heads/count", production: main, pushed: next.at(t, "2"), base: base, releases: map[string]*planner.Snapshot{}}
	w := after(planner.Make((&observed{ref: main, production: main}).facts(world{}, base)))
	w.repository = "mono"
	preview := func(name, ref string) *v1alpha1.App {
		return &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:   v1alpha1.AppSpec{ProductionRef: ref, Preview: &v1alpha1.Preview{App: "shop", Host: name + "-0123456789ab"}},
			Status: v1alpha1.AppStatus{URL: "https://" + name + ".example.com"}}
	}
	w.previews = []*v1alpha1.App{preview("shop-pr-7", "refs/heads/other"), preview("shop-pr-8", "refs/heads/count")}
	p := s.plan(w, noon)
	want := &Preview{Name: "shop-pr-8", URL: "https://shop-pr-8.example.com", Host: "shop-pr-8-0123456789ab.<domain>"}
	if len(p.Apps) != 1 {
		t.Fatalf("%+v", p.Apps)
	}
	if diff := cmp.Diff(want, p.Apps[0].Preview); diff != "" {
		t.Error(diff)
	}
	if got := want.rows()[0].Text; got != "shop-pr-8, which gets the commit, at https://shop-pr-8.example.com" {
		t.Error(got)
	}
}
