package git

import (
	"context"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TagObject is the hash of the object that a ref points at where that is an
// annotated tag, which may be signed; "" where the ref is a branch, or a tag
// that points at its commit itself.
func (s *Session) TagObject(ref string) string {
	if _, peeled := s.adv.Peeled[ref]; !peeled {
		return ""
	}
	return s.adv.References[ref].String()
}

// FetchTags brings the tag objects of refs, those that are missing, in one
// request. Their commits come too, with their files, as far as they are not
// among the last that were fetched.
func (c *Cache) FetchTags(ctx context.Context, s *Session, refs []string) error {
	if err := c.Hold(ctx); err != nil {
		return err
	}
	have, err := c.newest()
	if err != nil {
		return err
	}
	a := ask{depth: 1, have: have}
	var of []plumbing.Hash
	for _, ref := range refs {
		if tag := s.TagObject(ref); tag != "" && !c.Has(tag) {
			a.wants = append(a.wants, tag)
			of = append(of, s.adv.Peeled[ref])
		}
	}
	if len(a.wants) == 0 {
		return nil
	}
	if err := c.bring(ctx, s, a); err != nil {
		return err
	}
	var commits []string
	for _, hash := range of { // a tag may be of a file
		if _, err := object.GetCommit(c.store, hash); err == nil {
			commits = append(commits, hash.String())
		}
	}
	return c.remember(commits)
}

// Raw is a commit or tag that is here, as git stores it: what its signature is
// over, and its signature. One of more bytes than limit is an *Error.
func (c *Cache) Raw(hash string, limit int64) ([]byte, error) {
	o, err := c.store.EncodedObject(plumbing.AnyObject, plumbing.NewHash(hash))
	if err != nil {
		return nil, fmt.Errorf("reading object %s: %w: %w", hash, ErrCorrupt, err)
	}
	switch {
	case o.Type() != plumbing.CommitObject && o.Type() != plumbing.TagObject:
		return nil, fmt.Errorf("%s is a %s: %w", hash, o.Type(), ErrNotCommit)
	case o.Size() > limit:
		return nil, failure(v1alpha1.ReasonTooLarge, "the %s has more than %s without any file", o.Type(), size(limit))
	}
	r, err := o.Reader()
	if err != nil {
		return nil, fmt.Errorf("reading object %s: %w: %w", hash, ErrCorrupt, err)
	}
	defer func() { _ = r.Close() }()
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reading object %s: %w: %w", hash, ErrCorrupt, err)
	}
	return raw, nil
}
