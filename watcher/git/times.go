package git

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// CommitTimes reports when commits were made, without fetching what they hold:
// a filter leaves out all but the commits themselves, a few hundred bytes
// each. Nothing of it stays in the cache, which holds whole commits only. What
// is no commit is left out; nil where the remote offers no filters, as git's
// own server does unless uploadpack.allowFilter is set.
func (c *Cache) CommitTimes(ctx context.Context, s *Session, commits []string) (map[string]time.Time, error) {
	offers := s.adv.Capabilities
	if !offers.Supports(capability.Filter) || !offers.Supports(capability.Shallow) {
		return nil, nil
	}
	times := map[string]time.Time{}
	err := c.aside(ctx, s, ask{wants: commits, depth: 1, filter: packp.FilterTreeDepth(0)}, func(store *filesystem.Storage) error {
		for _, hash := range commits {
			commit, err := object.GetCommit(store, plumbing.NewHash(hash))
			switch {
			case err == nil:
				times[hash] = commit.Committer.When
			case !errors.Is(err, plumbing.ErrObjectNotFound):
				return fmt.Errorf("reading commit %s: %w", hash, err)
			}
		}
		return nil
	})
	return times, err
}
