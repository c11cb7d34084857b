package git

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/credentials"
)

// Reasons of an *Error of a commit or a push; further ones are those of a look.
const (
	// ReasonMoved: the branch is not where it was seen. Nothing was pushed.
	ReasonMoved = "BranchMoved"
	// ReasonNotFastForward: the branch has commits that the other has not.
	ReasonNotFastForward = "NotFastForward"
	// ReasonRefused: the server does not take this commit on this branch, as one
	// that is protected or a hook that declines.
	ReasonRefused = "PushRefused"
	// ReasonNoWriteAccess: the credentials may read and not write.
	ReasonNoWriteAccess = "NoWriteAccess"
	// ReasonConflict: a file would take the place of others that are to stay.
	ReasonConflict = "Conflict"
)

// failed is why a push was not reported as done.
func (s *Session) failed(ctx context.Context, report *packp.ReportStatus, err error, said string) error {
	if report == nil {
		return s.classifyPush(ctx, err, said)
	}
	status := report.UnpackStatus
	for _, command := range report.CommandStatuses {
		if command.Error() != nil {
			status = command.Status
		}
	}
	return s.refused(status, said)
}

// classifyPush turns an error of a push into an *Error. The server was read
// from a moment before: what it says to a push is about the right to write.
func (s *Session) classifyPush(ctx context.Context, err error, said string) error {
	if err == nil {
		return s.refused("the server does not report what became of it", said)
	}
	err = unwrap(ctx, err)
	for _, denied := range []error{transport.ErrAuthenticationRequired, transport.ErrAuthorizationFailed, transport.ErrRepositoryNotFound} {
		if errors.Is(err, denied) {
			return s.noWriteAccess(strings.TrimPrefix(err.Error(), denied.Error()+": "))
		}
	}
	var known *Error
	if e := classify(err, s.endpoint.Host, s.client.limits); errors.As(e, &known) && known.Reason != v1alpha1.ReasonFetchFailed {
		return known
	}
	return s.refused(err.Error(), said)
}

func (s *Session) refused(status, said string) error {
	words := s.redact(status)
	if said = s.redact(said); said != "" {
		words += ": " + said
	}
	return failure(ReasonRefused, "%s refused the push: %s", s.endpoint.Host, words)
}

func (s *Session) noWriteAccess(said string) error {
	if said = s.redact(said); said != "" {
		said = "; it says: " + said
	}
	if s.secret == nil {
		return failure(ReasonNoWriteAccess, "%s takes no push without credentials, and none are set%s", s.endpoint.Host, said)
	}
	return failure(ReasonNoWriteAccess, "the credentials for %s may not write%s", s.endpoint.Host, said)
}

// redact makes a remote's words fit for a message: one short line, and none of
// the credentials, which a server might repeat.
func (s *Session) redact(words string) string {
	secrets := []string{credentials.Text(s.secret, credentials.KeyPassword), credentials.Text(s.secret, credentials.KeyToken), credentials.Text(s.secret, credentials.KeyIdentity)}
	if auth, err := httpAuth(s.secret); err == nil && auth != nil {
		secrets = append(secrets, base64.StdEncoding.EncodeToString([]byte(auth.Username+":"+auth.Password)))
	}
	for _, secret := range secrets {
		if secret != "" {
			words = strings.ReplaceAll(words, secret, "***")
		}
	}
	return oneLine(words)
}

// shortBranch is a branch as people write it.
func shortBranch(ref string) string { return strings.TrimPrefix(ref, "refs/heads/") }
