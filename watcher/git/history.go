package git

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Gained is what a branch would gain if it went from one commit to another.
type Gained struct {
	// Descends: the other is the first one, or comes after it.
	Descends bool
	// Messages are those of the commits that the first has not, by hash.
	Messages map[string]string
	// Began are the commits of the first one's history that the others come right
	// after, sorted.
	Began []string
}

// Gained reads the commits that one commit has and another has not. It costs one
// request, whatever the cache holds: a server leaves out what it is told that
// the client has, and so sends exactly these. Where the server offers no
// filters, their files come too, and bound what can be read. Nothing of it stays
// in the cache, which holds whole commits only.
func (c *Cache) Gained(ctx context.Context, s *Session, from, to string) (Gained, error) {
	if from == to {
		return Gained{Descends: true, Began: []string{from}}, nil
	}
	a := ask{wants: []string{to}, have: []string{from}, limit: c.limits.HistoryBytes}
	if s.adv.Capabilities.Supports(capability.Filter) {
		a.filter = packp.FilterTreeDepth(0)
	}
	var out Gained
	err := c.aside(ctx, s, a, func(store *filesystem.Storage) (err error) {
		out, err = gained(store, plumbing.NewHash(from), plumbing.NewHash(to))
		return err
	})
	return out, err
}

// gained walks from the newest commit. Every way back ends at a commit that the
// first one has, and at that itself only where it is among the ancestors.
func gained(store *filesystem.Storage, from, to plumbing.Hash) (Gained, error) {
	out := Gained{Messages: map[string]string{}}
	for queue := []plumbing.Hash{to}; len(queue) > 0; queue = queue[1:] {
		hash := queue[0]
		if _, seen := out.Messages[hash.String()]; seen {
			continue
		}
		commit, err := object.GetCommit(store, hash)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			out.Descends = out.Descends || hash == from
			out.Began = append(out.Began, hash.String())
			continue
		}
		if err != nil {
			return Gained{}, fmt.Errorf("reading commit %s: %w", hash, err)
		}
		out.Messages[hash.String()] = commit.Message
		queue = append(queue, commit.ParentHashes...)
	}
	slices.Sort(out.Began)
	out.Began = slices.Compact(out.Began)
	return out, nil
}

// tooFar: a history that is not read to its end.
func tooFar(limits Limits) *Error {
	return failure(v1alpha1.ReasonTooLarge, "there is more than %s between the two commits", size(limits.HistoryBytes))
}
