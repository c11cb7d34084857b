package watcher

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/watcher/git/gittest"
)

// TestSubmodulesAreSources: the files of a submodule are built in and counted;
// its headway.yaml is no app of this repository.
func TestSubmodulesAreSources(t *testing.T) {
	w := newWorld(t)
	lib := gittest.NewRepo(t, w.http.Root, "theme.git")
	first := lib.CommitAndPush("first", map[string]string{"a.css": "one", "headway.yaml": "name: theme\n"})
	second := lib.CommitAndPush("second", map[string]string{"a.css": "two"})
	w.git.AddSubmodule("site/theme", "../theme.git", first)
	one := w.git.CommitAndPush("site", map[string]string{"site/headway.yaml": "name: site\n", "site/index.html": "hello"})
	w.look()
	files := w.unpacked(w.revisions()["site-"+one[:8]].Spec.Source.Digest)
	if diff := cmp.Diff(map[string]string{"site/index.html": "hello", "site/theme/a.css": "one"}, files); diff != "" {
		t.Errorf("files (-want +got)\n%s", diff)
	}
	w.git.AddSubmodule("site/theme", "../theme.git", second)
	two := w.git.CommitAndPush("a new theme", nil)
	w.look()
	if files := w.unpacked(w.revisions()["site-"+two[:8]].Spec.Source.Digest); files["site/theme/a.css"] != "two" {
		t.Errorf("files are %v after the submodule moved", files)
	}
	// A restart with an empty disk brings the submodule again.
	digest := w.revisions()["site-"+two[:8]].Spec.Source.Digest
	w.data = t.TempDir()
	w.restart()
	w.look()
	if !w.r.artifacts.Has(digest) {
		t.Error("after the restart the artifact was not made again")
	}
	if w.wantCondition("SpecValid", metav1.ConditionTrue, "Valid", ""); len(w.revisions()) != 2 {
		t.Errorf("revisions are %v", slices.Collect(maps.Keys(w.revisions())))
	}
}

// TestAppInASubmodule: path may lead into a submodule.
func TestAppInASubmodule(t *testing.T) {
	w := newWorld(t)
	lib := gittest.NewRepo(t, w.http.Root, "lib.git")
	commit := lib.CommitAndPush("first", map[string]string{"web/index.html": "hello", "other/x": ""})
	w.git.AddSubmodule("third/lib", "../lib.git", commit)
	head := w.git.CommitAndPush("site", map[string]string{"headway.yaml": "name: site\npath: third/lib/web\n"})
	w.look()
	files := w.unpacked(w.revisions()["site-"+head[:8]].Spec.Source.Digest)
	if diff := cmp.Diff(map[string]string{"third/lib/web/index.html": "hello"}, files); diff != "" {
		t.Errorf("files (-want +got)\n%s", diff)
	}
}

// TestMissingSubmoduleIsAProblemOfItsApps, is named, and is asked for again.
func TestMissingSubmoduleIsAProblemOfItsApps(t *testing.T) {
	const missing = "1111111111111111111111111111111111111111"
	for name, test := range map[string]struct{ url, want string }{
		"elsewhere":      {"https://ada:secret@github.com/a/lib.git", "a/headway.yaml: submodule a/lib (https://github.com/a/lib.git) cannot be fetched: it is on github.com, and submodules are fetched from the server of spec.url alone (127.0.0.1)"},
		"no such one":    {"../gone.git", "a/headway.yaml: submodule a/lib (../gone.git) cannot be fetched: 127.0.0.1 has no such repository"},
		"no such commit": {"../repo.git", "a/lib (../repo.git) cannot be fetched: its repository has no commit " + missing},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.git.AddSubmodule("a/lib", test.url, missing)
			w.git.AddSubmodule("docs/lib", test.url, missing)
			head := w.git.CommitAndPush("two", map[string]string{
				"a/headway.yaml": "name: a\n", "a/index.html": "a", "b/headway.yaml": "name: b\n", "b/index.html": "b",
				"c/headway.yaml": "name: c\npath: .\nignore: [a/lib, docs]\nbuild: {with: static, args: {dir: c}}\n", "c/index.html": "c",
			})
			w.look()
			w.wantCondition("SpecValid", metav1.ConditionFalse, "SourceIncomplete", test.want)
			if diff := cmp.Diff([]string{"b-" + head[:8], "c-" + head[:8]}, slices.Sorted(maps.Keys(w.revisions()))); diff != "" {
				t.Errorf("revisions (-want +got)\n%s", diff)
			}
		})
	}
}

// TestSubmoduleThatComesLater: nobody has to push to the repository again.
func TestSubmoduleThatComesLater(t *testing.T) {
	w := newWorld(t)
	lib := gittest.NewRepo(t, w.http.Root, "lib.git")
	commit := lib.Commit("not pushed yet", map[string]string{"x": "1"})
	w.git.AddSubmodule("lib", "../lib.git", commit)
	w.git.CommitAndPush("site", map[string]string{"headway.yaml": "name: site\n", "index.html": "a"})
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionFalse, "SourceIncomplete", "submodule lib (../lib.git) cannot be fetched")
	lib.Push()
	w.look()
	if w.wantCondition("SpecValid", metav1.ConditionTrue, "Valid", ""); len(w.revisions()) != 1 {
		t.Errorf("revisions are %v", w.revisions())
	}
}

func TestSubmoduleOfASubmoduleIsNamed(t *testing.T) {
	w := newWorld(t)
	lib := gittest.NewRepo(t, w.http.Root, "lib.git")
	lib.AddSubmodule("deep", "../deep.git", "1111111111111111111111111111111111111111")
	commit := lib.CommitAndPush("lib", map[string]string{"x": "1"})
	w.git.AddSubmodule("a/lib", "../lib.git", commit)
	w.git.CommitAndPush("two", map[string]string{
		"a/headway.yaml": "name: a\n", "a/index.html": "a",
		"b/headway.yaml": "name: b\nwatch: [a/lib/x]\n", "b/index.html": "b",
	})
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionFalse, "SourceIncomplete", "a/headway.yaml: submodule a/lib/deep cannot be fetched: submodules of submodules are not fetched; commit its files in a/lib, or leave it out with ignore")
	if len(w.revisions()) != 1 {
		t.Errorf("revisions are %v, want that of b", w.revisions())
	}
}

func TestSubmoduleWithoutAnEntry(t *testing.T) {
	w := newWorld(t)
	w.git.AddSubmodule("lib", "../lib.git", "1111111111111111111111111111111111111111")
	w.git.CommitAndPush("site", map[string]string{"headway.yaml": "name: site\n", "index.html": "a", ".gitmodules": ""})
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionFalse, "SourceIncomplete", `submodule lib cannot be fetched: .gitmodules does not name it; add it with "git submodule add URL lib"`)
}
