package watcher

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/feedback"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/git"
)

// propose opens the pull request by which a branch gets what it takes no push of,
// where the Repository has a forge. A request that is open already is found again,
// so that a process which ends before it has written down the URL changes nothing.
//
//	a revert is on a branch of its own      a request from there
//	a branch is to be moved forward         a request from a branch with that commit
//	there is no forge, or no such branch    pushed, which is what became of the push
func (w *writing) propose(ctx context.Context, pushed error) error {
	from := w.instead
	if reasonOf(pushed) == git.ReasonRefused && w.request.Action == v1alpha1.CommitFastForward {
		from = w.branchAt(w.request.Commit)
		w.refused = pushed
	}
	if from == "" {
		return pushed
	}
	client, err := w.forge(ctx)
	if err == nil && client == nil {
		return pushed
	}
	if err == nil {
		w.url, err = client.Propose(ctx, forge.Proposal{
			Head: v1alpha1.ShortRef(from), Base: v1alpha1.ShortRef(w.request.Branch), Title: w.title(from), Body: w.body(),
		})
	}
	if err != nil {
		return &unopened{forge: err, pushed: pushed}
	}
	w.instead = from
	return nil
}

// branchAt is a branch, other than the one that is to be moved, whose head is a
// commit: the one on which the revision was seen first, where it still is.
func (w *writing) branchAt(commit string) string {
	refs := w.session.Refs()
	if ref := w.revision.Spec.Ref; refs[ref] == commit && strings.HasPrefix(ref, "refs/heads/") && ref != w.request.Branch {
		return ref
	}
	for _, ref := range slices.Sorted(maps.Keys(refs)) {
		if refs[ref] == commit && strings.HasPrefix(ref, "refs/heads/") && ref != w.request.Branch {
			return ref
		}
	}
	return ""
}

// unopened is why there is no pull request for what the remote does not take.
type unopened struct {
	forge error
	// pushed is what became of the push: nil where it went to a branch of its own.
	pushed error
}

func (u *unopened) Error() string {
	text := "no pull request could be opened: " + u.forge.Error()
	if u.pushed != nil {
		text = u.pushed.Error() + "; " + text
	}
	return text
}

// Unwrap gives the error of the push, by which it is told what to do.
func (u *unopened) Unwrap() error { return u.pushed }

// passes reports whether the forge may take it at the next look.
func (u *unopened) passes() bool {
	var e *forge.Error
	if !errors.As(u.forge, &e) {
		return true // of the Kubernetes API
	}
	// A branch that was just pushed is not found for a moment.
	return e.Reason == v1alpha1.ReasonUnreachable || e.Reason == v1alpha1.ReasonRateLimited || e.Status == http.StatusNotFound
}

func (w *writing) title(from string) string {
	if w.request.Action == v1alpha1.CommitFastForward {
		return fmt.Sprintf("Promote %s to %s", v1alpha1.ShortRef(from), v1alpha1.ShortRef(w.request.Branch))
	}
	return w.subject()
}

// body of the pull request: the evidence, and why Headway did not push. What others
// have written stands in code.
func (w *writing) body() string {
	base := feedback.Code(v1alpha1.ShortRef(w.request.Branch))
	said := fmt.Sprintf("Revision %s has held its share of the traffic for as long as its rule asks for, and failed no gate.", feedback.Code(w.request.Revision))
	why := "promote"
	if w.request.Action == v1alpha1.CommitRevert {
		why = "onFail: revert"
		said = fmt.Sprintf("Revision %s has failed, and has no traffic any more. This takes the files of %s back to %s.",
			feedback.Code(w.request.Revision), feedback.Code(w.app), feedback.Code(v1alpha1.Short(w.request.Commit)))
	}
	for evidence := range strings.SplitSeq(w.request.Message, "\n") {
		if evidence = feedback.Code(evidence); evidence != "" {
			said += "\n\n" + evidence
		}
	}
	return fmt.Sprintf("%s\n\nHeadway opened this as %s of %s asks for it, and %s takes no push: %s\n",
		said, feedback.Code(why), feedback.Code(w.app), base, feedback.Code(w.refused.Error()))
}
