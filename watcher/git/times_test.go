package git_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/watcher/git"
)

func TestCommitTimes(t *testing.T) {
	all := remotes(t)
	repo := all["http"].repo
	first := repo.CommitAndPush("first", map[string]string{"headway.yaml": "name: shop\n"})
	want := map[string]time.Time{}
	wants := []string{repo.Git("rev-parse", "HEAD:headway.yaml")}
	for i, ref := range []string{"a", "b", "c"} {
		when := time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC)
		commit := repo.CommitAt(when)
		repo.Push(commit + ":refs/heads/" + ref)
		want[commit], wants = when, append(wants, commit)
	}
	repo.Push(wants[0] + ":refs/tags/file") // a tag may point at a file
	for name, r := range all {
		for _, offered := range []string{"true", "false"} {
			t.Run(name+" "+offered, func(t *testing.T) {
				repo.Git("--git-dir", repo.Bare, "config", "uploadpack.allowFilter", offered)
				client := git.NewClient(git.DefaultLimits())
				cache, err := client.OpenCache(filepath.Join(t.TempDir(), "cache"))
				if err != nil {
					t.Fatal(err)
				}
				session := connect(t, client, r)
				got, err := cache.CommitTimes(t.Context(), session, wants)
				if err != nil {
					t.Fatal(err)
				}
				expected := want
				if offered == "false" {
					expected = nil
				}
				if diff := cmp.Diff(expected, got); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
				if cache.Has(wants[1]) {
					t.Error("a commit without its files is in the cache")
				}
				// The session and the cache go on as if nothing had been asked.
				if err := cache.Fetch(t.Context(), session, []string{first, wants[1]}); err != nil {
					t.Error(err)
				}
				if _, err := cache.Commit(t.Context(), wants[1]); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
