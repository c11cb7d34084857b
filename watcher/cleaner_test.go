package watcher

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCleanerKeepsWhatIsUnbuilt(t *testing.T) {
	w := newWorld(t)
	first := w.git.CommitAndPush("first", shop)
	w.look()
	second := w.git.CommitAndPush("second", map[string]string{"main.go": "package main // 2\n\nfunc main() {}\n"})
	w.look()
	w.built("shop-" + first[:8])
	has := func(commit string) bool {
		return w.r.artifacts.Has(w.revisions()["shop-"+commit[:8]].Spec.Source.Digest)
	}
	c := &cleaner{reader: w.client, store: w.r.artifacts, log: slog.New(slog.DiscardHandler)}
	must(t, c.cleanArtifacts(t.Context(), time.Now().Add(cleanAge/2)))
	if !has(first) {
		t.Error("a young artifact is gone")
	}
	must(t, c.cleanArtifacts(t.Context(), time.Now().Add(2*cleanAge)))
	if has(first) || !has(second) {
		t.Errorf("has the built one's: %v, the unbuilt one's: %v; want only the latter", has(first), has(second))
	}
}

func TestCleanerRemovesCachesOfNobody(t *testing.T) {
	w := newWorld(t)
	w.git.CommitAndPush("first", shop)
	w.look()
	orphan := filepath.Join(w.r.gitDir, "uid-of-nobody")
	must(t, os.MkdirAll(filepath.Join(orphan, "objects"), 0o700))
	c := &cleaner{reader: w.client, gitDir: w.r.gitDir, maxCaches: maxCaches, log: slog.New(slog.DiscardHandler)}
	must(t, c.cleanCaches(t.Context(), time.Now()))
	if entries, _ := os.ReadDir(w.r.gitDir); len(entries) != 2 {
		t.Errorf("%d caches, want 2: a young one is left alone", len(entries))
	}
	must(t, c.cleanCaches(t.Context(), time.Now().Add(2*cleanAge)))
	if _, err := os.Stat(orphan); err == nil {
		t.Error("the cache of nobody is still there")
	}
	// The other one goes when there is no room, and comes back by itself.
	c.maxCaches = 1
	must(t, c.cleanCaches(t.Context(), time.Now().Add(2*cleanAge)))
	if entries, _ := os.ReadDir(w.r.gitDir); len(entries) != 0 {
		t.Errorf("%d caches past the bound", len(entries))
	}
	w.git.CommitAndPush("second", map[string]string{"main.go": "package main // 2\n\nfunc main() {}\n"})
	w.look()
	w.wantCondition("Ready", "True", "Synced", "")
	if len(w.revisions()) != 2 {
		t.Errorf("%d revisions, want 2", len(w.revisions()))
	}
}

func TestSurplus(t *testing.T) {
	now := time.Now()
	caches := []diskCache{
		{"new", 10, now, true}, {"old", 10, now.Add(-3 * time.Hour), true}, {"older", 10, now.Add(-4 * time.Hour), true},
		{"orphan", 10, now.Add(-time.Hour), false}, {"young orphan", 10, now, false},
	}
	tests := []struct {
		most int64
		want []string
	}{
		{100, []string{"orphan"}},
		{45, []string{"older", "orphan"}},
		{30, []string{"older", "old", "orphan"}},
		{0, []string{"older", "old", "orphan"}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, surplus(caches, test.most, now.Add(-time.Minute))); diff != "" {
			t.Errorf("at most %d (-want +got)\n%s", test.most, diff)
		}
	}
}
