package git

import (
	"context"
	"fmt"
	"time"

	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/storage/memory"
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
	pack, err := s.download(ctx, c.dir, ask{wants: commits, depth: 1, filter: packp.FilterTreeDepth(0)})
	if err != nil {
		return nil, err
	}
	defer pack.remove()
	store := memory.NewStorage()
	if err := explode(pack, store); err != nil {
		return nil, err
	}
	times := make(map[string]time.Time, len(store.Commits))
	for hash, stored := range store.Commits {
		commit, err := object.DecodeCommit(store, stored)
		if err != nil {
			return nil, fmt.Errorf("reading commit %s: %w", hash, err)
		}
		times[hash.String()] = commit.Committer.When
	}
	return times, nil
}
