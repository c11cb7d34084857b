package watcher

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/watcher/git/gittest"
)

// TestLFSObjectsTakeThePlaceOfPointers in what a build gets, also after a
// restart with an empty disk.
func TestLFSObjectsTakeThePlaceOfPointers(t *testing.T) {
	w := newWorld(t)
	w.http.LFS = &gittest.LFS{}
	picture := strings.Repeat("a large picture ", 1000)
	pointer := w.http.LFS.Add(picture)
	head := w.git.CommitAndPush("site", map[string]string{
		"headway.yaml": "name: site\n", "index.html": "hello", "img/a.png": pointer, "img/again.png": pointer, "notes.txt": "about\n" + pointer,
	})
	w.look()
	digest := w.revisions()["site-"+head[:8]].Spec.Source.Digest
	for name, want := range map[string]string{"img/a.png": picture, "img/again.png": picture, "notes.txt": "about\n" + pointer, "index.html": "hello"} {
		if got := w.unpacked(digest)[name]; got != want {
			t.Errorf("%s has %d bytes, want %d", name, len(got), len(want))
		}
	}
	w.data = t.TempDir()
	w.restart()
	w.look()
	if !w.r.artifacts.Has(digest) {
		t.Error("after the restart the artifact was not made again")
	}
}

// TestMissingLFSObjectIsAProblemOfItsApp, is named, and is asked for again.
func TestMissingLFSObjectIsAProblemOfItsApp(t *testing.T) {
	w := newWorld(t)
	w.http.LFS = &gittest.LFS{}
	pointer := (&gittest.LFS{}).Add("not pushed")
	head := w.git.CommitAndPush("two", map[string]string{
		"a/headway.yaml": "name: a\n", "a/index.html": "a", "a/img/logo.png": pointer,
		"b/headway.yaml": "name: b\n", "b/index.html": "b", "docs/logo.png": pointer,
	})
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionFalse, "SourceIncomplete",
		`a/headway.yaml: a/img/logo.png is a Git LFS pointer, and its object cannot be fetched: Object does not exist; push it with "git lfs push --all origin"`)
	if _, ok := w.revisions()["b-"+head[:8]]; !ok || len(w.revisions()) != 1 {
		t.Errorf("revisions are %v, want one of b: the pointer in docs is nobody's", w.revisions())
	}
	w.http.LFS.Add("not pushed")
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionTrue, "Valid", "")
	if _, ok := w.revisions()["a-"+head[:8]]; !ok {
		t.Error("the object was pushed, and a has no revision")
	}
}

// TestCorruptLFSObjectIsNamed: what arrives is not what the pointer names.
func TestCorruptLFSObjectIsNamed(t *testing.T) {
	w := newWorld(t)
	w.http.LFS = &gittest.LFS{}
	w.git.CommitAndPush("site", map[string]string{"headway.yaml": "name: site\n", "index.html": "hello", "a.png": w.http.LFS.Add("picture")})
	w.http.LFS.Corrupt(func([]byte) []byte { return []byte("PICTURE") })
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionFalse, "SourceIncomplete", "headway.yaml: a.png is a Git LFS pointer, and its object cannot be fetched: the server sends other bytes")
}

// TestLostArtifactWaitsForItsObjects: a server that is away does not make the
// watcher give up an artifact.
func TestLostArtifactWaitsForItsObjects(t *testing.T) {
	w := newWorld(t)
	store := &gittest.LFS{}
	w.http.LFS = store
	head := w.git.CommitAndPush("site", map[string]string{"headway.yaml": "name: site\n", "index.html": "hello", "a.png": store.Add("picture")})
	w.look()
	digest := w.revisions()["site-"+head[:8]].Spec.Source.Digest
	w.data, w.http.LFS = t.TempDir(), nil
	w.restart()
	w.look()
	if w.r.artifacts.Has(digest) {
		t.Fatal("the artifact was made without its object")
	}
	w.http.LFS = store
	w.look()
	if !w.r.artifacts.Has(digest) {
		t.Error("the artifact was not made again")
	}
}
