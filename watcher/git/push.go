package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage/memory"
)

// Push points a branch at a commit that was made here, and brings its objects.
// The branch has to be at old, or must not exist where old is "": it is compared
// and swapped by the server, and never forced. A branch that is at the commit
// already is as it should be.
//
// Errors are of type *Error. Their reasons are ReasonMoved, ReasonRefused,
// ReasonNoWriteAccess, and those of a look that fails.
func (s *Session) Push(ctx context.Context, branch, old string, commit *Made) error {
	return s.push(ctx, update{branch: branch, old: plumbing.NewHash(old), to: plumbing.NewHash(commit.Hash), objects: commit.objects})
}

// FastForward points a branch at a later commit that the remote has. The cache
// only gives the room for what has to be read of the history: all commits that
// the branch would gain. It refuses with ReasonNotFastForward, and otherwise as
// Push does.
func (s *Session) FastForward(ctx context.Context, c *Cache, branch, old, to string) error {
	if old != to {
		gained, err := c.Gained(ctx, s, old, to)
		if err != nil {
			return err
		}
		if !gained.Descends {
			return failure(ReasonNotFastForward, "%s is not fast-forwarded to %s: it is at %s, which has commits that the other has not", shortBranch(branch), to, old)
		}
	}
	return s.push(ctx, update{branch: branch, old: plumbing.NewHash(old), to: plumbing.NewHash(to), objects: memory.NewStorage()})
}

// update is one branch to move. The zero hash is a branch that is not there.
type update struct {
	branch  string
	old, to plumbing.Hash
	// objects are what the remote may not have.
	objects *memory.Storage
}

// pushSession is one conversation with git-receive-pack.
type pushSession interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	ReceivePack(context.Context, *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error)
	Close() error
}

// openPush starts a conversation about a push and reads what it advertises.
func (s *Session) openPush(ctx context.Context) (pushSession, *packp.AdvRefs, error) {
	ctx, cancel := context.WithTimeout(withPlace(ctx, &s.place), s.client.limits.RefsTimeout)
	defer cancel()
	conversation, err := s.client.openPush(ctx, s.endpoint, s.secret)
	if err != nil {
		return nil, nil, s.classifyPush(ctx, err, "")
	}
	adv, err := conversation.AdvertisedReferencesContext(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return conversation, packp.NewAdvRefs(), nil // its last branch is gone
	}
	if err != nil {
		_ = conversation.Close()
		var said *pktline.ErrorLine
		if errors.As(unwrap(ctx, err), &said) { // instead of letting a push begin
			return nil, nil, s.noWriteAccess(said.Text)
		}
		return nil, nil, s.classifyPush(ctx, err, "")
	}
	return conversation, adv, nil
}

func (c *Client) openPush(ctx context.Context, ep *transport.Endpoint, secret map[string][]byte) (pushSession, error) {
	if ep.Protocol == "ssh" {
		return c.openSSH(ctx, ep, secret, transport.ReceivePackServiceName)
	}
	w, err := c.web(secret)
	if err != nil {
		return nil, err
	}
	return w.git.NewReceivePackSession(ep, w.method())
}

func (s *Session) push(ctx context.Context, u update) error {
	select { // a push holds its objects in memory
	case s.client.pushes <- struct{}{}:
		defer func() { <-s.client.pushes }()
	case <-ctx.Done():
		return s.classifyPush(ctx, ctx.Err(), "")
	}
	conversation, adv, err := s.openPush(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conversation.Close() }()
	switch adv.References[u.branch] {
	case u.to:
		return nil
	case u.old:
	default:
		return u.moved(adv)
	}
	req, err := u.request(adv)
	if err != nil {
		return err
	}
	said := &head{}
	req.Progress = said
	pushing, cancel := context.WithTimeout(ctx, s.client.limits.PushTimeout)
	defer cancel()
	report, err := conversation.ReceivePack(pushing, req)
	if err == nil && report != nil {
		return nil
	}
	return s.outcome(ctx, u, s.failed(pushing, report, err, said.String()))
}

// outcome looks what became of a push that seems to have failed: the answer may
// be lost, and a server that refuses for another reason than that the branch has
// moved says so in words only.
func (s *Session) outcome(ctx context.Context, u update, failed error) error {
	conversation, adv, err := s.openPush(ctx)
	if err != nil {
		return failed
	}
	_ = conversation.Close()
	switch adv.References[u.branch] {
	case u.to:
		return nil
	case u.old:
		return failed
	}
	return u.moved(adv)
}

func (u update) moved(adv *packp.AdvRefs) error {
	now := "it is gone"
	if at, ok := adv.References[u.branch]; ok {
		now = "it is at " + at.String()
	}
	if u.old.IsZero() {
		return failure(ReasonMoved, "nothing was pushed to %s: it is there already, at %s", shortBranch(u.branch), adv.References[u.branch])
	}
	return failure(ReasonMoved, "nothing was pushed to %s: %s, and not at %s any more", shortBranch(u.branch), now, u.old)
}

// request names the old value of the branch, which is what makes the server
// refuse where it has moved. A pack has to come with it, be it empty.
func (u update) request(adv *packp.AdvRefs) (*packp.ReferenceUpdateRequest, error) {
	req := packp.NewReferenceUpdateRequestFromCapabilities(adv.Capabilities)
	req.Commands = []*packp.Command{{Name: plumbing.ReferenceName(u.branch), Old: u.old, New: u.to}}
	// Setting a capability without arguments does not fail.
	if adv.Capabilities.Supports(capability.Sideband64k) {
		_ = req.Capabilities.Set(capability.Sideband64k) // the words of hooks
	}
	hashes := make([]plumbing.Hash, 0, len(u.objects.Objects))
	for hash := range u.objects.Objects {
		hashes = append(hashes, hash)
	}
	var pack bytes.Buffer
	if _, err := packfile.NewEncoder(&pack, u.objects, false).Encode(hashes, 0); err != nil {
		return nil, fmt.Errorf("packing a commit: %w", err)
	}
	req.Packfile = io.NopCloser(&pack)
	return req, nil
}
