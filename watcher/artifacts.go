package watcher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/artifact"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/plan"
)

// planWithSources plans and stores the source of every Revision to make, by
// the names of the Revisions. An app whose source cannot be packed has a
// problem of its own in the plan, and the others go on.
func (r *Reconciler) planWithSources(ctx context.Context, l *look, f *seen) (plan.Plan, map[string]string, error) {
	digests := map[string]string{}
	for {
		p := plan.Make(f.Facts)
		refused := false
		for _, planned := range slices.Concat(p.Apps, p.Previews) {
			for _, n := range planned.Revisions {
				if n.From.App.Build == nil || digests[n.Name] != "" {
					continue
				}
				digest, err := r.makeArtifact(ctx, l, n.Snapshot.Commit, n.From)
				var why *plan.Problem
				if errors.As(err, &why) {
					refused = true
					l.memory.snapshots[n.Snapshot.Commit] = f.Refuse(n, why)
					continue
				}
				if err != nil {
					return plan.Plan{}, nil, err
				}
				digests[n.Name] = digest
			}
		}
		if !refused {
			return p, digests, nil
		}
	}
}

// makeArtifact stores the source of an app at a commit and gives its digest.
// The error is a *plan.Problem when the app's own files are at fault.
func (r *Reconciler) makeArtifact(ctx context.Context, l *look, hash string, c *plan.Candidate) (string, error) {
	commit, err := l.commit(ctx, hash)
	if err != nil {
		return "", err
	}
	if why := plan.Lacking(c.File, commit.Commit, c.App.Sources.Reach); why != nil {
		return "", why
	}
	files := plan.SourceFiles(c.App, commit.Commit)
	ctx, cancel := context.WithTimeout(ctx, objectsTimeout)
	defer cancel()
	digest, err := r.artifacts.Add(r.room(l), func(w io.Writer) error {
		content, err := l.content(ctx, c, files)
		if err != nil {
			return err
		}
		return artifact.Write(w, files, content, r.artifactLimits)
	})
	var large *artifact.TooLargeError
	var full *artifact.FullError
	var why *plan.Problem
	switch {
	case err == nil:
		l.sources[digest] = true
		return digest, nil
	case errors.As(err, &full):
		l.again[hash] = true
		return "", r.noRoom(l, c, hash, full)
	case errors.As(err, &large):
		return "", plan.NewProblem(v1alpha1.ReasonTooLarge, "%s: %v", c.File, large)
	case errors.As(err, &why):
		l.again[hash] = true
		return "", why
	default:
		return "", fmt.Errorf("making the source artifact of %s at %s: %w", c.Name, hash, err)
	}
}

// unbuilt reports whether a Revision may still need its artifact: its build has
// not ended, or a person has asked for another one. What was superseded, or has
// failed, gets its artifact again when it is wanted after all.
func unbuilt(r *v1alpha1.Revision) bool {
	ended := condition.Get(r.Status.Conditions, v1alpha1.ConditionBuilt).Status == metav1.ConditionFalse && !r.RetryAsked()
	return r.Status.Image == "" && r.Spec.Source.Digest != "" && !ended
}

// unbuiltSources are the digests of artifacts that Revisions may still need.
func unbuiltSources(revisions []*v1alpha1.Revision) map[string]bool {
	sources := map[string]bool{}
	for _, rev := range revisions {
		if unbuilt(rev) {
			sources[rev.Spec.Source.Digest] = true
		}
	}
	return sources
}

// used is what the artifacts of the Repository take that wait for their builds.
func (r *Reconciler) used(l *look) (sum int64) {
	for digest := range l.sources {
		sum += r.artifacts.Size(digest)
	}
	return sum
}

// room is what another artifact of the Repository may take.
func (r *Reconciler) room(l *look) int64 { return max(0, r.quota.Repository-r.used(l)) }

// noRoom says which quota has no room for an artifact, how much of it is used,
// and what helps.
func (r *Reconciler) noRoom(l *look, c *plan.Candidate, hash string, full *artifact.FullError) *plan.Problem {
	whose, used, quota := "this Repository", r.used(l), r.quota.Repository
	if full.Total {
		whose, used, quota = "all Repositories", r.artifacts.Used(), r.quota.Total
	}
	return plan.NewProblem(v1alpha1.ReasonNoRoom,
		"%s: the source of commit %s finds no room: the sources of %s that wait for their builds take %s of %s; it is tried again as they are built. "+
			"If it stays so, narrow path and watch in headway.yaml",
		c.File, v1alpha1.Short(hash), whose, mebibytes(used), mebibytes(quota))
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// restore makes the artifacts of unbuilt Revisions again that are gone, as
// after a restart with an empty disk.
func (r *Reconciler) restore(ctx context.Context, l *look, revisions []*v1alpha1.Revision) error {
	for _, rev := range revisions {
		digest := rev.Spec.Source.Digest
		if !unbuilt(rev) || r.artifacts.Has(digest) || l.memory.lost[digest] {
			continue
		}
		made, err := r.remake(ctx, l, rev)
		if err != nil {
			return err
		}
		if made != digest && !l.again[rev.Spec.Commit] {
			l.memory.lost[digest] = true
			r.log.Warn("source artifact cannot be made again", "namespace", rev.Namespace, "revision", rev.Name, "digest", digest, "made", made)
		}
	}
	return nil
}

// remake gives the digest of what it made; empty when the commit is gone or
// cannot be used any more.
func (r *Reconciler) remake(ctx context.Context, l *look, rev *v1alpha1.Revision) (string, error) {
	s, err := l.snapshot(ctx, rev.Spec.Commit)
	if err != nil {
		return "", unlessLost(err)
	}
	app := rev.Spec.App
	if rev.Spec.Preview != nil {
		app = rev.Spec.Preview.App
	}
	c := s.App(app)
	if c == nil {
		return "", nil
	}
	digest, err := r.makeArtifact(ctx, l, rev.Spec.Commit, c)
	return digest, unlessLost(err)
}

// unlessLost leaves out the errors that are the same at the next look.
func unlessLost(err error) error {
	var own *plan.Problem
	var unusable *git.Error
	if errors.As(err, &unusable) && unusable.Reason == v1alpha1.ReasonTooLarge {
		return nil
	}
	if errors.Is(err, errAbsent) || errors.Is(err, git.ErrNotCommit) || errors.As(err, &own) {
		return nil
	}
	return err
}
