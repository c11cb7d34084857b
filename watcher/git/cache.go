package git

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

const (
	// tempPrefix marks packs on their way in.
	tempPrefix = "incoming-"
	// maxPacks and maxLoose: each fetch adds a pack or loose objects, and a
	// read may look at all packs, so a cache with more is fetched afresh.
	maxPacks = 64
	maxLoose = 5_000
	// maxHaves: the newest commits tell the server what is already here.
	maxHaves = 8
	// streamFrom is the size from which a file is streamed from disk.
	streamFrom = 1 << 20
	// memory kept for objects while a cache is open.
	objectCacheBytes = 8 << 20
	// pinDepth is how far back a commit is searched for when the server does
	// not give commits by their hash.
	pinDepth = 1000
	// maxWalk bounds the commits that are looked at: merges make a history of
	// pinDepth wider than it is deep.
	maxWalk = 50_000
)

// Cache is a bare, shallow repository on disk. One goroutine at a time.
type Cache struct {
	// Dropped is called when what was read may not be kept any longer; it may be nil.
	Dropped func()
	// Alone: nothing else is read while something is read from this cache.
	Alone bool

	dir    string
	limits Limits
	room   room
	store  *filesystem.Storage
	// release gives the memory back that is held; nil where none is. large: a commit
	// needs more than the usual.
	release func()
	large   bool
}

// OpenCache opens the cache in dir, which need not exist. What an interrupted
// fetch left behind is removed.
func (c *Client) OpenCache(dir string) (*Cache, error) {
	cache := &Cache{dir: dir, limits: c.limits, room: c.room}
	for _, pattern := range []string{tempPrefix + "*", "objects/pack/tmp_*"} {
		left, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, fmt.Errorf("cleaning the git cache: %w", err)
		}
		for _, file := range left {
			if err := os.RemoveAll(file); err != nil {
				return nil, fmt.Errorf("cleaning the git cache: %w", err)
			}
		}
	}
	if err := cache.open(); err != nil {
		return nil, err
	}
	return cache, nil
}

func (c *Cache) open() error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return fmt.Errorf("creating the git cache: %w", err)
	}
	c.store = c.storage()
	if _, err := os.Stat(filepath.Join(c.dir, "objects")); err == nil {
		return nil
	}
	if err := c.store.Init(); err != nil {
		return fmt.Errorf("creating the git cache: %w", err)
	}
	return nil
}

// storage reads the files. Packs stay open between two reads: a look at a commit
// reads thousands of objects.
func (c *Cache) storage() *filesystem.Storage {
	return filesystem.NewStorageWithOptions(osfs.New(c.dir), cache.NewObjectLRU(objectCacheBytes),
		filesystem.Options{LargeObjectThreshold: streamFrom, KeepDescriptors: true})
}

// Close closes the files that reading has opened, and gives back its memory.
func (c *Cache) Close() {
	c.closeFiles()
	if c.release != nil {
		c.release()
		c.release = nil
	}
}

// closeFiles forgets what was read of the objects, too.
func (c *Cache) closeFiles() {
	_ = c.store.Close()
	c.store = c.storage()
}

// Reset throws the content away.
func (c *Cache) Reset() error {
	c.closeFiles()
	if err := os.RemoveAll(c.dir); err != nil {
		return fmt.Errorf("removing the git cache: %w", err)
	}
	return c.open()
}

// Has reports whether a commit is here. A fetch brings a commit with all its
// files or not at all.
func (c *Cache) Has(commit string) bool {
	return c.store.HasEncodedObject(plumbing.NewHash(commit)) == nil
}

// full reports whether the cache is due to be fetched afresh.
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
