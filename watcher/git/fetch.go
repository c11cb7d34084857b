package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Fetch brings the wanted commits that are missing. A cache that has grown
// past its bound is fetched afresh first, so wants has to name every commit
// that is still needed. Whatever fetches holds the memory to read with when it is
// done. Errors of the remote are of type *Error.
func (c *Cache) Fetch(ctx context.Context, s *Session, wants []string) error {
	if err := c.Hold(ctx); err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(wants), c.Has)
	if len(missing) == 0 {
		return nil
	}
	if full, err := c.full(); err != nil {
		return err
	} else if full {
		if err := c.Reset(); err != nil {
			return err
		}
		missing = wants
	}
	return c.fetch(ctx, s, missing, 1)
}

// FetchCommit brings a commit that perhaps no ref points at. Where the server
// does not give those, the last 1000 commits of tip are searched, unless that is
// empty. found is false when it is not among them.
func (c *Cache) FetchCommit(ctx context.Context, s *Session, commit, tip string) (found bool, err error) {
	if err := c.Hold(ctx); err != nil {
		return false, err
	}
	if c.Has(commit) {
		return true, nil
	}
	err = c.fetch(ctx, s, []string{commit}, 1)
	switch {
	case errors.Is(err, ErrNotAdvertised) && tip == "":
		return false, nil
	case errors.Is(err, ErrNotAdvertised):
		err = c.fetch(ctx, s, []string{tip}, pinDepth)
	}
	return err == nil && c.Has(commit), err
}

// SearchCommit finds the commit whose hash starts with short among the last
// 1000 of tip, which has to be here. "" when there is none, or more than one.
// What is found is here with all its files.
func (c *Cache) SearchCommit(ctx context.Context, s *Session, short, tip string) (string, error) {
	if err := c.Hold(ctx); err != nil {
		return "", err
	}
	if commit, err := c.walk(short, tip); commit != "" || err != nil {
		return commit, err
	}
	if err := c.fetch(ctx, s, []string{tip}, pinDepth); err != nil {
		return "", err
	}
	return c.walk(short, tip)
}

// walk goes through the commits that are here, from tip to the oldest.
func (c *Cache) walk(short, tip string) (string, error) {
	found := ""
	queue := []plumbing.Hash{plumbing.NewHash(tip)}
	seen := map[plumbing.Hash]bool{}
	for ; len(queue) > 0 && len(seen) < maxWalk; queue = queue[1:] {
		if seen[queue[0]] || !c.Has(queue[0].String()) {
			continue
		}
		seen[queue[0]] = true
		commit, err := object.GetCommit(c.store, queue[0])
		if err != nil {
			return "", fmt.Errorf("reading commit %s: %w: %w", queue[0], ErrCorrupt, err)
		}
		if hash := commit.Hash.String(); strings.HasPrefix(hash, short) {
			if found != "" {
				return "", nil
			}
			found = hash
		}
		queue = append(queue, commit.ParentHashes...)
	}
	return found, nil
}

// fetch brings commits with so much of their history. A deeper one is asked for
// whole: what is here of it has gaps.
func (c *Cache) fetch(ctx context.Context, s *Session, wants []string, depth int) error {
	a := ask{wants: wants, depth: depth}
	if depth == 1 {
		have, err := c.newest()
		if err != nil {
			return err
		}
		a.have = have
	}
	if err := c.bring(ctx, s, a); err != nil {
		return err
	}
	return c.remember(wants)
}

// bring puts what is asked for into the cache, and holds.
func (c *Cache) bring(ctx context.Context, s *Session, a ask) error {
	c.Rest()
	started := time.Now()
	pack, err := s.download(ctx, c.dir, a)
	if err != nil {
		return err
	}
	defer pack.remove()
	fetchBytes.Add(float64(pack.size))
	fetchSeconds.Observe(time.Since(started).Seconds())
	if _, err := s.client.takeIn(ctx, c.dir, pack.Name(), c.limits.bounds()); err != nil {
		return err
	}
	c.closeFiles() // a store does not look again at which packs there are
	return c.Hold(ctx)
}

// aside reads what is asked for without leaving any of it in the cache. It holds
// what it reads with.
func (c *Cache) aside(ctx context.Context, s *Session, a ask, read func(*filesystem.Storage) error) (err error) {
	c.Rest()
	pack, err := s.download(ctx, c.dir, a)
	if err != nil {
		return err
	}
	defer pack.remove()
	dir, err := os.MkdirTemp(c.dir, tempPrefix)
	if err != nil {
		return fmt.Errorf("creating a folder for commits: %w", err)
	}
	aside := &Cache{dir: dir, limits: c.limits, room: c.room}
	if err := aside.open(); err != nil {
		return err
	}
	defer func() {
		aside.Close()
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	b := c.limits.bounds()
	if a.limit > 0 {
		b.ExpandedBytes, b.FreeBytes = a.limit, a.limit
	}
	if _, err := s.client.takeIn(ctx, dir, pack.Name(), b); err != nil {
		if e := new(Error); a.limit > 0 && errors.As(err, &e) && e.Reason == v1alpha1.ReasonTooLarge {
			return tooFar(c.limits)
		}
		return err
	}
	aside.closeFiles()
	if err := aside.Hold(ctx); err != nil {
		return err
	}
	return read(aside.store)
}

// newest are commits that are here with all their files: what git keeps in
// the file "shallow".
func (c *Cache) newest() ([]string, error) {
	shallow, err := c.store.Shallow()
	if err != nil {
		return nil, fmt.Errorf("reading the fetched commits: %w: %w", ErrCorrupt, err)
	}
	var have []string
	for _, commit := range slices.Backward(shallow) {
		if len(have) < maxHaves && c.Has(commit.String()) {
			have = append(have, commit.String())
		}
	}
	return have, nil
}

// remember appends commits to the file "shallow".
func (c *Cache) remember(fetched []string) error {
	shallow, err := c.store.Shallow()
	if err != nil {
		return fmt.Errorf("reading the fetched commits: %w: %w", ErrCorrupt, err)
	}
	for _, commit := range fetched {
		shallow = append(shallow, plumbing.NewHash(commit))
	}
	if err := c.store.SetShallow(shallow); err != nil {
		return fmt.Errorf("writing the fetched commits: %w", err)
	}
	return nil
}
