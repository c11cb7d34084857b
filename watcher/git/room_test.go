package git_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/headway-dev/headway/watcher/git"
)

// TestReadersShareMemory: with room for one reader at a time all have their turn,
// whatever each fetches and reads in between.
func TestReadersShareMemory(t *testing.T) {
	r := remotes(t)["http"]
	limits := git.DefaultLimits()
	limits.Memory = 1
	client := git.NewClient(limits)
	var commits []string
	for n := range 3 {
		commits = append(commits, r.repo.CommitAndPush("one more", map[string]string{"headway.yaml": fmt.Sprint("name: shop\nport: ", n)}))
	}
	var readers sync.WaitGroup
	for range 4 {
		dir := t.TempDir()
		readers.Go(func() {
			for _, commit := range commits {
				if err := readCommit(t.Context(), dir, client, r, commit); err != nil {
					t.Error(err)
				}
			}
		})
	}
	readers.Wait()
}
