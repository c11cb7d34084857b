package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

const (
	// tempPrefix marks packs on their way in.
	tempPrefix = "incoming-"
	// maxPacks and maxLoose: each fetch adds a pack or loose objects, and a
	// read may look at all packs, so a cache with more is fetched afresh.
	maxPacks = 64
	maxLoose = 20_000
	// maxHaves: the newest commits tell the server what is already here.
	maxHaves = 8
	// streamFrom is the size from which a file is streamed from disk.
	streamFrom = 1 << 20
	// memory kept for objects while a cache is open.
	objectCacheBytes = 8 << 20
	// pinDepth is how far back a commit is searched for when the server does
	// not give commits by their hash.
	pinDepth = 1000
)

// Cache is a bare, shallow repository on disk. One goroutine at a time.
type Cache struct {
	dir    string
	limits Limits
	store  *filesystem.Storage
}

// OpenCache opens the cache in dir, which need not exist. What an interrupted
// fetch left behind is removed.
func (c *Client) OpenCache(dir string) (*Cache, error) {
	cache := &Cache{dir: dir, limits: c.limits}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("creating the git cache: %w", err)
	}
	for _, pattern := range []string{tempPrefix + "*", "objects/pack/tmp_pack_*"} {
		left, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, fmt.Errorf("cleaning the git cache: %w", err)
		}
		for _, file := range left {
			if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("cleaning the git cache: %w", err)
			}
		}
	}
	return cache, cache.open()
}

func (c *Cache) open() error {
	// Packs stay open between two reads: a look at a commit reads thousands of
	// objects.
	c.store = filesystem.NewStorageWithOptions(osfs.New(c.dir), cache.NewObjectLRU(objectCacheBytes),
		filesystem.Options{LargeObjectThreshold: streamFrom, KeepDescriptors: true})
	if _, err := os.Stat(filepath.Join(c.dir, "objects")); err == nil {
		return nil
	}
	if err := c.store.Init(); err != nil {
		return fmt.Errorf("creating the git cache: %w", err)
	}
	return nil
}

// Close closes the files that reading has opened.
func (c *Cache) Close() {
	_ = c.store.Close()
}

// Reset throws the content away.
func (c *Cache) Reset() error {
	c.Close()
	if err := os.RemoveAll(c.dir); err != nil {
		return fmt.Errorf("removing the git cache: %w", err)
	}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return fmt.Errorf("creating the git cache: %w", err)
	}
	return c.open()
}

// Has tells whether a commit is here. A fetch brings a commit with all its
// files or not at all.
func (c *Cache) Has(commit string) bool {
	return c.store.HasEncodedObject(plumbing.NewHash(commit)) == nil
}

// Fetch brings the wanted commits that are missing. A cache that has grown
// past its bound is fetched afresh first, so wants has to name every commit
// that is still needed. Errors of the remote are of type *Error.
func (c *Cache) Fetch(ctx context.Context, s *Session, wants []string) error {
	missing := c.missing(wants)
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
	have, err := c.newest()
	if err != nil {
		return err
	}
	return c.fetch(ctx, s, missing, have, 1)
}

// FetchCommit brings a commit that perhaps no ref points at. Where the server
// does not give those, the last 1000 commits of tip are searched. found is
// false when it is not among them.
func (c *Cache) FetchCommit(ctx context.Context, s *Session, commit, tip string) (found bool, err error) {
	if c.Has(commit) {
		return true, nil
	}
	have, err := c.newest()
	if err != nil {
		return false, err
	}
	err = c.fetch(ctx, s, []string{commit}, have, 1)
	if err == nil {
		return c.Has(commit), nil
	}
	if !errors.Is(err, errNotAdvertised) {
		return false, err
	}
	if err := c.fetch(ctx, s, []string{tip}, nil, pinDepth); err != nil {
		return false, err
	}
	return c.Has(commit), nil
}

func (c *Cache) missing(wants []string) []string {
	var missing []string
	for _, want := range wants {
		if !c.Has(want) {
			missing = append(missing, want)
		}
	}
	return missing
}

func (c *Cache) fetch(ctx context.Context, s *Session, wants, have []string, depth int) error {
	started := time.Now()
	pack, err := s.download(ctx, c.dir, wants, have, depth)
	if err != nil {
		return err
	}
	defer pack.remove()
	if info, err := pack.Stat(); err == nil {
		observeFetch(info.Size(), time.Since(started))
	}
	if pack.thin {
		err = c.explode(pack)
	} else {
		err = c.addPack(pack)
	}
	if err != nil {
		return err
	}
	return c.remember(wants)
}

// explode writes the objects of a thin pack one by one: a pack with deltas
// against objects elsewhere cannot stand on its own. These packs are small,
// they hold what one push changed.
func (c *Cache) explode(pack io.Reader) error {
	parser, err := packfile.NewParserWithStorage(packfile.NewScanner(pack), c.store)
	if err != nil {
		return fmt.Errorf("reading the pack: %w", err)
	}
	if _, err := parser.Parse(); err != nil {
		return fmt.Errorf("reading the pack: %w: %w", ErrCorrupt, err)
	}
	return nil
}

func (c *Cache) addPack(pack io.Reader) error {
	w, err := c.store.PackfileWriter()
	if err != nil {
		return fmt.Errorf("indexing the pack: %w: %w", ErrCorrupt, err)
	}
	_, err = io.Copy(w, pack)
	if closed := w.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("indexing the pack: %w", err)
	}
	return nil
}

// newest are commits that are here with all their files: what git keeps in
// the file "shallow".
func (c *Cache) newest() ([]string, error) {
	shallow, err := c.store.Shallow()
	if err != nil {
		return nil, fmt.Errorf("reading the fetched commits: %w: %w", ErrCorrupt, err)
	}
	var have []string
	for i := len(shallow) - 1; i >= 0 && len(have) < maxHaves; i-- {
		if c.Has(shallow[i].String()) {
			have = append(have, shallow[i].String())
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

// full tells whether the cache is due to be fetched afresh.
func (c *Cache) full() (bool, error) {
	var total int64
	packs, files := 0, 0
	err := filepath.WalkDir(filepath.Join(c.dir, "objects"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		if strings.HasSuffix(path, ".pack") {
			packs++
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		total += info.Size()
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("measuring the git cache: %w", err)
	}
	return packs >= maxPacks || files >= maxLoose || total > c.limits.CacheBytes, nil
}
