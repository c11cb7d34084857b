package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
)

// Fetch brings the wanted commits that are missing. A cache that has grown
// past its bound is fetched afresh first, so wants has to name every commit
// that is still needed. Errors of the remote are of type *Error.
func (c *Cache) Fetch(ctx context.Context, s *Session, wants []string) error {
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

// bring puts what is asked for into the cache.
func (c *Cache) bring(ctx context.Context, s *Session, a ask) error {
	started := time.Now()
	pack, err := s.download(ctx, c.dir, a)
	if err != nil {
		return err
	}
	defer pack.remove()
	if info, err := pack.Stat(); err == nil {
		fetchBytes.Add(float64(info.Size()))
		fetchSeconds.Observe(time.Since(started).Seconds())
	}
	if pack.thin {
		return explode(pack, c.store)
	}
	return c.addPack(pack)
}

// explode writes the objects of a thin pack one by one: a pack with deltas
// against objects elsewhere cannot stand on its own. These packs are small,
// they hold what one push changed.
func explode(pack io.Reader, into storer.EncodedObjectStorer) error {
	parser, err := packfile.NewParserWithStorage(packfile.NewScanner(pack), into)
	if err != nil {
		return fmt.Errorf("reading the pack: %w", err)
	}
	if _, err := parser.Parse(); err != nil {
		return fmt.Errorf("reading the pack: %w: %w", ErrCorrupt, err)
	}
	return nil
}

// addPack indexes a pack and puts both into place. go-git's own writer indexes
// in a goroutine of its own, where a panic over a hostile pack would end the
// process.
func (c *Cache) addPack(pack *incoming) error {
	objects := new(idxfile.Writer)
	parser, err := packfile.NewParser(packfile.NewScanner(pack), objects)
	if err != nil {
		return fmt.Errorf("indexing the pack: %w", err)
	}
	checksum, err := parser.Parse()
	if err != nil {
		return fmt.Errorf("indexing the pack: %w", err)
	}
	index, err := objects.Index()
	if err != nil {
		return fmt.Errorf("indexing the pack: %w", err)
	}
	file, err := os.CreateTemp(c.dir, tempPrefix)
	if err != nil {
		return fmt.Errorf("creating a pack index: %w", err)
	}
	defer func() {
		_ = file.Close()
		_ = os.Remove(file.Name()) // not there any more when all went well
	}()
	out := bufio.NewWriter(file)
	if _, err := idxfile.NewEncoder(out).Encode(index); err != nil {
		return fmt.Errorf("writing a pack index: %w", err)
	}
	if err := errors.Join(out.Flush(), file.Close()); err != nil {
		return fmt.Errorf("writing a pack index: %w", err)
	}
	// The index first: a pack counts from the moment it is there.
	base := filepath.Join(c.dir, "objects", "pack", "pack-"+checksum.String())
	if err := errors.Join(os.Rename(file.Name(), base+".idx"), os.Rename(pack.Name(), base+".pack")); err != nil {
		return fmt.Errorf("storing a pack: %w", err)
	}
	c.Close()
	return c.open() // a store does not look again at which packs there are
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
