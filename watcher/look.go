package watcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/plan"
	"github.com/headway-dev/headway/watcher/tree"
)

// look is one look at a remote: its refs, and the commits read so far.
type look struct {
	started time.Time
	session *git.Session
	memory  *memory
	// open opens the cache; it is called when something has to be read. read is
	// called when all that was to be read has been.
	open  func() (*git.Cache, error)
	read  func()
	cache *git.Cache
	// chosen is what is watched, production the commit of its branch.
	chosen
	production string
	// heads are the commits of requests that are read.
	heads map[string]bool
	// soon is the wait for another look that something of this one asks for; 0:
	// none.
	soon time.Duration
	// known are the paths of the headway.yaml files that have made an App.
	known map[string]bool
	// commits read in this look, with their files.
	commits map[string]*commit
	// signers decide which commits and tags count; nil: all do.
	signers *signers
	// sources are the digests of the artifacts of the Repository that wait for
	// their builds.
	sources map[string]bool
	// again are commits that lack files which another look may bring: their
	// snapshots are not remembered.
	again map[string]bool
	// afresh: the cache was reset in this look.
	afresh bool
}

// commit is a commit with its headway.yaml files.
type commit struct {
	*tree.Commit
	specs plan.SpecFiles
}

// readHeads adds the snapshots of all watched refs to what a plan follows from.
// Which further ones those are follows from the rules of release, which stand in
// the files of the production branch. The rules that Apps go by already tell most
// of them, so that what has moved comes in one pack.
func (l *look) readHeads(ctx context.Context, f *plan.Facts) (err error) {
	f.ProductionRef, f.Tags = l.productionRef, plan.ReadTags(l.session.Refs())
	if err := l.watch(ctx, f); err != nil {
		return err
	}
	delete(l.memory.unreadable, l.production) // of a further ref that is production now
	if f.Production, err = l.readProduction(ctx, f); err != nil {
		return err
	}
	if err := l.watch(ctx, f); err != nil {
		return err
	}
	f.Ruled = l.ruled
	if f.Others, f.Unread, err = l.readOthers(ctx); err != nil {
		return err
	}
	return l.checkDecisions(ctx, f)
}

// readOthers gives the snapshots of the further refs. One that points at no
// commit is left out. Why one cannot be read is told in unread: it is nothing
// that stops the others.
func (l *look) readOthers(ctx context.Context) (others map[string]*plan.Snapshot, unread map[string]*plan.Problem, err error) {
	others, unread = map[string]*plan.Snapshot{}, map[string]*plan.Problem{}
	for _, ref := range slices.Sorted(maps.Keys(l.others)) {
		commit := l.others[ref]
		s, err := l.signedSnapshot(ctx, ref, commit)
		switch {
		case err == nil:
			others[ref] = s
		case errors.Is(err, git.ErrNotCommit):
		case l.ownFault(err):
			unread[ref] = l.cannotRead(commit, err)
		default:
			return nil, nil, fmt.Errorf("reading %s: %w", ref, err)
		}
	}
	return others, unread, nil
}

// ownFault reports whether an error is the fault of the commit that was to be
// read, and none of the remote or of the cache.
func (l *look) ownFault(err error) bool {
	var known *plan.Problem
	return errors.As(err, &known) || refusedByRemote(err) || errors.Is(err, errAbsent) || errors.Is(err, git.ErrNotAdvertised) ||
		l.afresh && errors.Is(err, git.ErrCorrupt)
}

// cannotRead remembers why a commit, or the start of a hash, cannot be read, so
// that what is too large is not fetched at every look.
func (l *look) cannotRead(commit string, err error) *plan.Problem {
	var known *plan.Problem
	if errors.As(err, &known) {
		return known
	}
	e := git.AsError(err)
	l.memory.unreadable[commit] = plan.NewProblem(e.Reason, "%v", e)
	return l.memory.unreadable[commit]
}

// refusedByRemote reports whether a remote that can be reached does not give
// what was asked for, or more than is taken.
func refusedByRemote(err error) bool {
	var e *git.Error
	return errors.As(err, &e) && (e.Reason == v1alpha1.ReasonTooLarge || e.Reason == v1alpha1.ReasonFetchFailed)
}

// readPinned gives the snapshots of pinned commits, full hashes or the starts
// of some; nil for one that the remote does not give. Why one that it has
// cannot be read is told in unread.
func (l *look) readPinned(ctx context.Context, pins []string, unread map[string]*plan.Problem) (map[string]*plan.Snapshot, error) {
	read := map[string]*plan.Snapshot{}
	for _, pin := range pins {
		commit, err := l.search(ctx, pin)
		var s *plan.Snapshot
		if err == nil {
			s, err = l.signedSnapshot(ctx, "", commit)
		}
		switch {
		case err == nil, errors.Is(err, git.ErrNotCommit), errors.Is(err, errAbsent):
		case l.ownFault(err):
			unread[pin] = l.cannotRead(pin, err)
		default:
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
	if len(short) >= plan.FullHash {
		return short, nil
	}
	if why := l.memory.unreadable[short]; why != nil {
		return "", why
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
func (l *look) snapshot(ctx context.Context, hash string) (*plan.Snapshot, error) {
	if s := l.memory.snapshots[hash]; s != nil {
		return s, nil
	}
	if why := l.memory.unreadable[hash]; why != nil {
		return nil, why
	}
	c, err := l.commit(ctx, hash)
	if err != nil {
		return nil, err
	}
	s, err := c.specs.Resolve(c.Commit, l.cache, &l.memory.goFiles)
	if err != nil {
		return nil, fmt.Errorf("reading commit %s: %w", hash, err)
	}
	l.memory.snapshots[hash] = s
	return s, nil
}

// commit lists the files of a commit that is in the cache or at a watched ref.
func (l *look) commit(ctx context.Context, hash string) (*commit, error) {
	if c := l.commits[hash]; c != nil {
		return c, nil
	}
	if err := l.bring(ctx, hash); err != nil {
		return nil, err
	}
	listed, err := l.cache.Commit(ctx, hash)
	if err != nil {
		return nil, err
	}
	specs, err := plan.ReadSpecFiles(listed, l.cache, l.known)
	if err != nil {
		return nil, fmt.Errorf("reading commit %s: %w", hash, err)
	}
	c := &commit{listed, specs}
	if err := l.addSubmodules(ctx, c); err != nil {
		return nil, err
	}
	l.keep(c)
	return c, nil
}

// mostKept is how many files of commits are kept in a look.
const mostKept = 100_000

// keep remembers a commit for the rest of the look, and forgets others where they
// are too many.
func (l *look) keep(c *commit) {
	files := len(c.Files)
	for _, other := range l.commits {
		files += len(other.Files)
	}
	if files > mostKept {
		clear(l.commits)
	}
	l.commits[c.Hash] = c
}

// bring puts a commit into the cache, if it is not there.
func (l *look) bring(ctx context.Context, hash string) error {
	if err := l.ensure(ctx); err != nil {
		return err
	}
	if why := l.memory.unreadable[hash]; why != nil {
		return why
	}
	if l.cache.Has(hash) {
		return nil
	}
	found, err := l.fetchCommit(ctx, hash) // a pinned commit, or one whose artifact is lost
	if err == nil && !found {
		err = errAbsent
	}
	return err
}

// errAbsent: the remote does not give a commit that no watched ref points at.
var errAbsent = errors.New("the remote does not have this commit any more")

// ensure opens the cache and brings what the watched refs point at. Where that
// is more than is taken, each further ref has to fit on its own.
func (l *look) ensure(ctx context.Context) error {
	if err := l.openCache(); err != nil {
		return err
	}
	wants := []string{l.production}
	for _, ref := range slices.Sorted(maps.Keys(l.others)) {
		if commit := l.others[ref]; !slices.Contains(wants, commit) && l.memory.unreadable[commit] == nil {
			wants = append(wants, commit)
		}
	}
	for _, commit := range slices.Sorted(maps.Keys(l.heads)) {
		if !slices.Contains(wants, commit) && l.memory.unreadable[commit] == nil {
			wants = append(wants, commit)
		}
	}
	err := l.cache.Fetch(ctx, l.session, wants)
	if err == nil || len(wants) == 1 || !l.ownFault(err) {
		return err
	}
	if err := l.cache.Fetch(ctx, l.session, wants[:1]); err != nil {
		return err
	}
	fetched := wants[:1:1]
	for _, want := range wants[1:] {
		// A cache that has to be fetched afresh needs the earlier ones too.
		err := l.cache.Fetch(ctx, l.session, append(fetched, want))
		switch {
		case err == nil:
			fetched = append(fetched, want)
		case l.ownFault(err):
			_ = l.cannotRead(want, err) // remembered for whoever reads the commit
		default:
			return err
		}
	}
	return nil
}

func (l *look) openCache() (err error) {
	if l.cache != nil {
		return nil
	}
	if l.cache, err = l.open(); err != nil {
		l.cache = nil
		return err
	}
	// What the files of commits take is held together with the cache.
	l.cache.Dropped = func() { clear(l.commits) }
	return nil
}

// close ends the look.
func (l *look) close() {
	l.session.Close()
	for hash := range l.again {
		delete(l.memory.snapshots, hash)
	}
	if l.cache != nil {
		l.cache.Close()
		l.read()
	}
}

// rest gives back the memory that reading takes, before something that may take
// long and reads nothing. Commits that are needed again are listed again.
func (l *look) rest() {
	if l.cache != nil {
		l.cache.Rest()
	}
}

// reset throws the cache away after it was found corrupt.
func (l *look) reset() error {
	l.commits, l.afresh = map[string]*commit{}, true
	if err := l.openCache(); err != nil {
		return err
	}
	return l.cache.Reset()
}
