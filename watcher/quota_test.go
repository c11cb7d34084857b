package watcher

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/artifact"
)

// noise is a file that does not compress.
func noise(seed byte, size int) string {
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(content) // cannot fail
	return string(content)
}

// buildEnds gives a Revision the condition that a build without an image leaves.
func (w *world) buildEnds(name, reason string) {
	w.t.Helper()
	rev := w.revisions()[name]
	condition.Set(&rev.Status.Conditions, v1alpha1.ConditionBuilt, condition.False(reason, ""), 1, time.Now())
	if err := w.client.Status().Update(w.t.Context(), &rev); err != nil {
		w.t.Fatal(err)
	}
}

// sites are two apps of one Repository whose sources are 100 KiB each.
func sites() map[string]string {
	files := map[string]string{}
	for i, name := range []string{"a", "b"} {
		files[name+"/headway.yaml"] = fmt.Sprintf("name: %s\npath: %s\n", name, name)
		files[name+"/index.html"] = noise(byte(i), 100<<10)
	}
	return files
}

// TestQuotaOfRepository: what finds no room is told, with the numbers, keeps
// nothing else back, and is made when something was built.
func TestQuotaOfRepository(t *testing.T) {
	w := newWorld(t)
	w.quota.Repository = 150 << 10
	w.restart()
	head := w.git.CommitAndPush("two", sites())
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionFalse, "NoRoom", "b/headway.yaml: the source of commit "+head[:8]+
		" finds no room: the sources of this Repository that wait for their builds take 0.1 MiB of 0.1 MiB; it is tried again as they are built. "+
		"If it stays so, narrow path and watch in headway.yaml")
	if _, ok := w.revisions()["a-"+head[:8]]; !ok || len(w.revisions()) != 1 {
		t.Fatalf("revisions are %v, want one of a", w.revisions())
	}
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionFalse, "NoRoom", "")
	w.built("a-" + head[:8])
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionTrue, "Valid", "")
	if _, ok := w.revisions()["b-"+head[:8]]; !ok {
		t.Error("a was built, and b has no revision")
	}
}

func TestQuotaOfAll(t *testing.T) {
	w := newWorld(t)
	w.quota.Total = 150 << 10
	w.restart()
	head := w.git.CommitAndPush("two", sites())
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionFalse, "NoRoom", "the sources of all Repositories that wait for their builds take")
	if used := w.r.artifacts.Used(); used > w.quota.Total || used == 0 {
		t.Errorf("%d bytes are used of %d", used, w.quota.Total)
	}
	w.buildEnds("a-"+head[:8], v1alpha1.ReasonBuildFailed)
	c := &cleaner{reader: w.client, store: w.r.artifacts, log: slog.New(slog.DiscardHandler)}
	must(t, c.cleanArtifacts(t.Context(), time.Now().Add(2*cleanAge)))
	w.look()
	w.wantCondition("SpecValid", metav1.ConditionTrue, "Valid", "")
}

// TestEndedBuildsKeepNoArtifact, and one that is wanted again gets it again.
func TestEndedBuildsKeepNoArtifact(t *testing.T) {
	for _, reason := range []string{v1alpha1.ReasonBuildFailed, v1alpha1.ReasonSuperseded} {
		w := newWorld(t)
		head := w.git.CommitAndPush("first", shop)
		w.look()
		name := "shop-" + head[:8]
		digest := w.revisions()[name].Spec.Source.Digest
		w.buildEnds(name, reason)
		ended := w.revisions()[name]
		c := &cleaner{reader: w.client, store: w.r.artifacts, log: slog.New(slog.DiscardHandler)}
		must(t, c.cleanArtifacts(t.Context(), time.Now().Add(2*cleanAge)))
		if w.r.artifacts.Has(digest) {
			t.Fatalf("%s: the artifact is still there", reason)
		}
		w.look()
		if w.r.artifacts.Has(digest) {
			t.Errorf("%s: nobody wants the artifact that was made again", reason)
		}
		wanted := w.revisions()[name]
		wanted.Annotations = map[string]string{v1alpha1.AnnotationRetriedAt: "now"}
		must(t, w.client.Update(t.Context(), &wanted))
		if !unbuiltAgain().Update(event.UpdateEvent{ObjectOld: &ended, ObjectNew: &wanted}) {
			t.Errorf("%s: a retry causes no look", reason)
		}
		w.look()
		if !w.r.artifacts.Has(digest) {
			t.Errorf("%s: the artifact was not made again", reason)
		}
	}
}

// TestEqualSourcesAreStoredOnce, whoever they belong to.
func TestEqualSourcesAreStoredOnce(t *testing.T) {
	w := newWorld(t)
	files := sites()
	for _, name := range []string{"a", "b"} {
		files[name+"/headway.yaml"] = "name: " + name + "\npath: site\n"
	}
	files["site/index.html"] = files["a/index.html"]
	w.git.CommitAndPush("two apps of one folder", files)
	w.look()
	digests := map[string]bool{}
	for _, rev := range w.revisions() {
		digests[rev.Spec.Source.Digest] = true
	}
	if used := w.r.artifacts.Used(); len(w.revisions()) != 2 || len(digests) != 1 || used > 110<<10 {
		t.Errorf("%d revisions, %d digests, %d bytes", len(w.revisions()), len(digests), used)
	}
}

// TestBrokenDiskOfArtifactsIsTold, and not taken for a fault of the remote or of the app.
func TestBrokenDiskOfArtifactsIsTold(t *testing.T) {
	w := newWorld(t)
	store := filepath.Join(w.data, "artifacts")
	must(t, os.Remove(store))
	w.git.CommitAndPush("first", shop)
	w.look()
	w.wantCondition("Ready", metav1.ConditionFalse, "DiskFailed", "the disk of Headway's watcher")
	must(t, os.Mkdir(store, 0o700))
	w.look()
	w.wantCondition("Ready", metav1.ConditionTrue, "Synced", "")
}

func TestDefaultQuotaFitsTheVolume(t *testing.T) {
	if sum := artifact.DefaultQuota().Total + maxCaches; sum > 20<<30*9/10 {
		t.Errorf("artifacts and git caches take %d GiB of the 20 that the volume has", sum>>30)
	}
}
