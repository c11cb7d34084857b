package watcher

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/artifact"
	"github.com/headway-dev/headway/watcher/git"
)

// makeArtifact stores the source of an app at a commit and gives its digest.
func (r *Reconciler) makeArtifact(ctx context.Context, l *look, hash string, c *candidate) (string, error) {
	commit, err := l.commit(ctx, hash)
	if err != nil {
		return "", err
	}
	files, err := c.files(commit, l.cache)
	if err != nil {
		return "", err
	}
	digest, err := r.artifacts.Add(func(w io.Writer) error {
		return artifact.Write(w, files, l.cache, artifact.DefaultLimits())
	})
	var large *artifact.TooLargeError
	if errors.As(err, &large) {
		return "", &git.Error{Reason: v1alpha1.ReasonTooLarge, Message: fmt.Sprintf("app %s: %v", c.name, large)}
	}
	if err != nil {
		return "", fmt.Errorf("making the source artifact of %s at %s: %w", c.name, hash, err)
	}
	return digest, nil
}

// unbuilt tells whether a Revision may still need its artifact.
func unbuilt(r *v1alpha1.Revision) bool {
	return r.Status.Image == "" && r.Spec.Source.Digest != ""
}

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
		if made != digest {
			l.memory.lost[digest] = true
			r.log.Warn("source artifact cannot be made again", "namespace", rev.Namespace, "revision", rev.Name, "digest", digest, "made", made)
		}
	}
	return nil
}

// remake gives the digest of what it made; empty when the remote does not have
// the commit any more.
func (r *Reconciler) remake(ctx context.Context, l *look, rev *v1alpha1.Revision) (string, error) {
	s, err := l.snapshot(ctx, rev.Spec.Commit)
	if errors.Is(err, errAbsent) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	c := s.app(rev.Spec.App)
	if c == nil {
		return "", nil
	}
	digest, err := r.makeArtifact(ctx, l, rev.Spec.Commit, c)
	if errors.Is(err, errAbsent) {
		return "", nil
	}
	return digest, err
}
