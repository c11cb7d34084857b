package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/clone"
	planner "github.com/headway-dev/headway/watcher/plan"
	"github.com/headway-dev/headway/watcher/tree"
)

// unhashed stands for the hash of a commit that is not made yet.
var unhashed = strings.Repeat("0", planner.FullHash)

// point is a commit with its files, and what they ask for. The zero point is
// none.
type point struct {
	snapshot *planner.Snapshot
	files    *tree.Commit
}

// reading reads points of a clone.
type reading struct {
	clone *clone.Clone
	trees *clone.Trees
}

// observed is what a plan is made of.
type observed struct {
	remote string
	// ref is the full name of what is pushed, production that of the production
	// branch.
	ref, production string
	// pushed is what would be pushed, was what the remote has under that ref;
	// base is production's head, before the push, and began the commit from which
	// the branch began.
	pushed, was, base, began point
	// dirty: there are changes that are in no commit.
	dirty bool
	// tags of the clone by full name, with the commits that they tag; releases
	// are those that rules ask for.
	tags     map[string]string
	releases map[string]*planner.Snapshot
	// pins are commits that are pinned, by what names them.
	pins map[string]*planner.Snapshot
}

// resolve holds a commit's headway.yaml files against its files.
func (r *reading) resolve(files *tree.Commit) (point, error) {
	specs, err := planner.ReadSpecFiles(files, r.trees, nil)
	if err != nil {
		return point{}, err
	}
	snapshot, err := specs.Resolve(files, r.trees, nil)
	return point{snapshot, files}, err
}

// working is what the working folder would be as a commit: that of HEAD, where
// nothing has changed.
func (r *reading) working(ctx context.Context) (point, error) {
	files, err := r.trees.Working(ctx)
	if err != nil {
		return point{}, err
	}
	files.Hash = unhashed
	// A new repository has no commit yet.
	if head, err := r.clone.Resolve(ctx, "HEAD"); err == nil {
		made, err := r.trees.Commit(ctx, head)
		if err != nil {
			return point{}, err
		}
		if slices.Equal(made.Files, files.Files) {
			files = made
		}
	}
	return r.resolve(files)
}

// commit reads a commit of the clone; the zero point where it has none of that
// name.
func (r *reading) commit(ctx context.Context, name string) (point, error) {
	hash, err := r.clone.Resolve(ctx, name)
	if err != nil {
		return point{}, nil
	}
	files, err := r.trees.Commit(ctx, hash)
	if err != nil {
		return point{}, err
	}
	return r.resolve(files)
}

// defaultBranch is that of the remote, as it was at the last fetch where the
// remote does not answer.
func (r *reading) defaultBranch(ctx context.Context) (string, error) {
	ad, err := r.clone.List(ctx)
	if err == nil && ad.Head != "" {
		return v1alpha1.ShortRef(ad.Head), nil
	}
	prefix := "refs/remotes/" + r.clone.Remote + "/"
	ref, local := r.clone.Git(ctx, "symbolic-ref", "--quiet", prefix+"HEAD")
	if local == nil {
		return strings.TrimPrefix(ref, prefix), nil
	}
	return "", errors.Join(err, fmt.Errorf("it is not known which branch of %s is its default; name that of production by --branch", r.clone.Remote))
}

// read reads what the clone knows of its remote.
func (r *reading) read(ctx context.Context, pushed point, production string, w world) (observed, error) {
	tracked := "refs/remotes/" + r.clone.Remote + "/"
	s := observed{remote: r.clone.Remote, ref: "refs/heads/" + r.clone.Branch, production: "refs/heads/" + production,
		pushed: pushed, dirty: pushed.snapshot.Commit == unhashed, releases: map[string]*planner.Snapshot{}, pins: map[string]*planner.Snapshot{}}
	var err error
	if s.tags, err = r.tags(ctx); err != nil {
		return s, err
	}
	if s.base, err = r.commit(ctx, tracked+production); err != nil {
		return s, err
	}
	if s.was = s.base; s.ref != s.production {
		if s.was, err = r.commit(ctx, tracked+r.clone.Branch); err != nil {
			return s, err
		}
		if s.base.snapshot == nil {
			return s, fmt.Errorf("the rules of %s are on %s, which this clone does not have from %s: git fetch %s %s", r.clone.Branch, production, s.remote, s.remote, production)
		}
	}
	if s.began, err = r.began(ctx, s.base); err != nil {
		return s, err
	}
	return s, s.readFurther(ctx, r, w)
}

// began is the commit from which what is checked out began, as far as the clone
// has it; the zero point where nobody knows.
func (r *reading) began(ctx context.Context, production point) (point, error) {
	if production.snapshot == nil {
		return point{}, nil
	}
	hash, err := r.clone.Git(ctx, "merge-base", "HEAD", production.snapshot.Commit)
	if err != nil {
		return point{}, nil // no common commit, or none at all
	}
	return r.commit(ctx, hash)
}

// readFurther reads the commits that the files of either point name: tags that
// are released, and pins.
func (s *observed) readFurther(ctx context.Context, r *reading, w world) error {
	for _, p := range []point{s.was, s.pushed} {
		f := s.facts(w, p)
		if f.Production == nil {
			continue
		}
		_, releases := f.Asked(s.tags)
		for _, ref := range releases {
			tagged, err := r.commit(ctx, s.tags[ref])
			if err != nil {
				return err
			}
			s.releases[ref] = tagged.snapshot
		}
		for _, pin := range f.PinsToRead() {
			pinned, err := r.commit(ctx, pin)
			if err != nil {
				return err
			}
			s.pins[pin] = pinned.snapshot
		}
	}
	return nil
}

// tags are those of the clone, with the commits that they tag.
func (r *reading) tags(ctx context.Context) (map[string]string, error) {
	out, err := r.clone.Git(ctx, "for-each-ref", "--format=%(refname) %(objectname) %(*objectname)", "refs/tags")
	if err != nil {
		return nil, fmt.Errorf("listing tags: %w", err)
	}
	tags := map[string]string{}
	for l := range strings.Lines(out) {
		if words := strings.Fields(l); len(words) > 1 {
			tags[words[0]] = words[len(words)-1]
		}
	}
	return tags, nil
}
