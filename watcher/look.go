package watcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/watcher/git"
)

// look is one look at a remote: its refs, and the commits read so far.
type look struct {
	started time.Time
	session *git.Session
	memory  *memory
	// open opens the cache; it is called when something has to be read.
	open  func() (*git.Cache, error)
	cache *git.Cache
	// productionRef and heads (further refs) are what is watched.
	productionRef string
	production    string
	others        map[string]string
	// commits read in this look, with their files.
	commits map[string]*git.Commit
}

// readHeads gives the snapshots of all watched refs. A ref that points at no
// commit is left out.
func (l *look) readHeads(ctx context.Context) (production *snapshot, others map[string]*snapshot, err error) {
	if production, err = l.snapshot(ctx, l.production); err != nil {
		return nil, nil, err
	}
	others = map[string]*snapshot{}
	for _, ref := range slices.Sorted(maps.Keys(l.others)) {
		s, err := l.snapshot(ctx, l.others[ref])
		if errors.Is(err, git.ErrNotCommit) {
			continue
		}
		if err != nil {
			return nil, nil, fmt.Errorf("reading %s: %w", ref, err)
		}
		others[ref] = s
	}
	return production, others, nil
}

// readPinned gives the snapshots of pinned commits, full hashes or the starts
// of some; nil for one that the remote does not give.
func (l *look) readPinned(ctx context.Context, pins []string) (map[string]*snapshot, error) {
	read := map[string]*snapshot{}
	for _, pin := range pins {
		commit, err := l.search(ctx, pin)
		var s *snapshot
		if err == nil {
			s, err = l.snapshot(ctx, commit)
		}
		if err != nil && !errors.Is(err, git.ErrNotCommit) && !errors.Is(err, errAbsent) {
			return nil, fmt.Errorf("reading the pinned commit %s: %w", pin, err)
		}
		read[pin] = s // nil when it is not there
	}
	return read, nil
}

// search finds the full hash that a short one is the start of: among what the
// remote's refs point at, then in the history of production. One that is not
// found is not searched for again before production moves.
func (l *look) search(ctx context.Context, short string) (string, error) {
	if len(short) >= fullHash {
		return short, nil
	}
	found := map[string]bool{}
	for _, commit := range l.session.Refs() {
		if strings.HasPrefix(commit, short) {
			found[commit] = true
		}
	}
	if len(found) == 1 {
		return slices.Collect(maps.Keys(found))[0], nil
	}
	if len(found) > 1 || l.memory.absent[short] == l.production {
		return "", errAbsent
	}
	if err := l.ensure(ctx); err != nil {
		return "", err
	}
	commit, err := l.cache.SearchCommit(ctx, l.session, short, l.production)
	if err != nil {
		return "", err
	}
	if commit == "" {
		l.memory.absent[short] = l.production
		return "", errAbsent
	}
	return commit, nil
}

// fetchCommit brings a commit that no watched ref points at. One that is not
// found is not asked for again before production moves.
func (l *look) fetchCommit(ctx context.Context, commit string) (bool, error) {
	if l.memory.absent[commit] == l.production {
		return false, nil
	}
	if err := l.ensure(ctx); err != nil {
		return false, err
	}
	found, err := l.cache.FetchCommit(ctx, l.session, commit, l.production)
	if err == nil && !found {
		l.memory.absent[commit] = l.production
	}
	return found, err
}

// snapshot reads a commit, or knows it.
func (l *look) snapshot(ctx context.Context, hash string) (*snapshot, error) {
	if s := l.memory.snapshots[hash]; s != nil {
		return s, nil
	}
	c, err := l.commit(ctx, hash)
	if err != nil {
		return nil, err
	}
	s, err := readSnapshot(c, l.cache)
	if err != nil {
		return nil, fmt.Errorf("reading commit %s: %w", hash, err)
	}
	l.memory.snapshots[hash] = s
	return s, nil
}

// commit lists the files of a commit that is in the cache or at a watched ref.
func (l *look) commit(ctx context.Context, hash string) (*git.Commit, error) {
	if c := l.commits[hash]; c != nil {
		return c, nil
	}
	if err := l.ensure(ctx); err != nil {
		return nil, err
	}
	if !l.cache.Has(hash) { // a pinned commit, or one whose artifact is lost
		found, err := l.fetchCommit(ctx, hash)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, errAbsent
		}
	}
	c, err := l.cache.Commit(hash)
	if err != nil {
		return nil, err
	}
	l.commits[hash] = c
	return c, nil
}

// errAbsent: the remote does not give a commit that no watched ref points at.
var errAbsent = errors.New("the remote does not have this commit any more")

// ensure opens the cache and brings what the watched refs point at.
func (l *look) ensure(ctx context.Context) error {
	if l.cache == nil {
		cache, err := l.open()
		if err != nil {
			return err
		}
		l.cache = cache
	}
	wants := []string{l.production}
	for _, ref := range slices.Sorted(maps.Keys(l.others)) {
		if !slices.Contains(wants, l.others[ref]) {
			wants = append(wants, l.others[ref])
		}
	}
	return l.cache.Fetch(ctx, l.session, wants)
}

// close ends the look.
func (l *look) close() {
	l.session.Close()
	if l.cache != nil {
		l.cache.Close()
	}
}

// reset throws the cache away after it was found corrupt.
func (l *look) reset() error {
	l.commits = map[string]*git.Commit{}
	if l.cache == nil {
		cache, err := l.open()
		if err != nil {
			return err
		}
		l.cache = cache
	}
	return l.cache.Reset()
}
