package watcher

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/artifact"
)

const (
	// cleanEvery and cleanAge: what nobody needs goes within a quarter of an
	// hour. The age covers the time between storing an artifact and the
	// Revision that names it, and leaves alone a cache that is being read.
	cleanEvery = 5 * time.Minute
	cleanAge   = 10 * time.Minute
	// maxCaches is the size of all git caches together from which those go
	// that were not written for longest. What is read from them is in memory,
	// so a Repository that does not move needs none.
	maxCaches = 8 << 30
)

// cleaner removes the artifacts that no unbuilt Revision needs, the caches of
// Repositories that are gone, and caches past maxCaches.
type cleaner struct {
	reader client.Reader
	store  *artifact.Store
	gitDir string
	// maxCaches in bytes.
	maxCaches int64
	log       *slog.Logger
}

// Start runs until ctx ends.
func (c *cleaner) Start(ctx context.Context) error {
	ticker := time.NewTicker(cleanEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := errors.Join(c.cleanArtifacts(ctx, time.Now()), c.cleanCaches(ctx, time.Now())); err != nil {
				c.log.Error("disk cannot be cleaned up", "error", err)
			}
		}
	}
}

func (c *cleaner) cleanArtifacts(ctx context.Context, now time.Time) error {
	var revisions v1alpha1.RevisionList
	if err := c.reader.List(ctx, &revisions, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing revisions: %w", err)
	}
	keep := map[string]bool{}
	for i := range revisions.Items {
		if unbuilt(&revisions.Items[i]) {
			keep[revisions.Items[i].Spec.Source.Digest] = true
		}
	}
	removed, err := c.store.Clean(keep, now.Add(-cleanAge))
	if removed > 0 {
		c.log.Info("artifacts removed", "count", removed)
	}
	return err
}

// diskCache is one git cache.
type diskCache struct {
	path    string
	size    int64
	written time.Time
	wanted  bool
}

func (c *cleaner) cleanCaches(ctx context.Context, now time.Time) error {
	var repos v1alpha1.RepositoryList
	if err := c.reader.List(ctx, &repos, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing repositories: %w", err)
	}
	wanted := map[string]bool{}
	for i := range repos.Items {
		wanted[string(repos.Items[i].UID)] = true
	}
	caches, err := c.caches(wanted)
	failed := []error{err} // one cache that cannot be measured or removed keeps no other
	for _, path := range surplus(caches, c.maxCaches, now.Add(-cleanAge)) {
		if err := os.RemoveAll(path); err != nil {
			failed = append(failed, fmt.Errorf("removing git cache %s: %w", path, err))
			continue
		}
		c.log.Info("git cache removed", "uid", filepath.Base(path))
	}
	return errors.Join(failed...)
}

// surplus chooses the caches to remove, of those last written before a time.
func surplus(caches []diskCache, most int64, before time.Time) []string {
	slices.SortFunc(caches, func(a, b diskCache) int { return a.written.Compare(b.written) })
	var total int64
	for _, cache := range caches {
		total += cache.size
	}
	var remove []string
	for _, cache := range caches {
		if cache.written.Before(before) && (!cache.wanted || total > most) {
			remove = append(remove, cache.path)
			total -= cache.size
		}
	}
	return remove
}

func (c *cleaner) caches(wanted map[string]bool) ([]diskCache, error) {
	entries, err := os.ReadDir(c.gitDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing git caches: %w", err)
	}
	var caches []diskCache
	var failed []error
	for _, entry := range entries {
		cache := diskCache{path: filepath.Join(c.gitDir, entry.Name()), wanted: wanted[entry.Name()]}
		err := filepath.WalkDir(cache.path, func(_ string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			cache.size += info.Size()
			if info.ModTime().After(cache.written) {
				cache.written = info.ModTime()
			}
			return nil
		})
		if errors.Is(err, fs.ErrNotExist) {
			continue // it is being fetched into or removed: not one to remove
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("measuring git cache %s: %w", entry.Name(), err))
			continue
		}
		caches = append(caches, cache)
	}
	return caches, errors.Join(failed...)
}
