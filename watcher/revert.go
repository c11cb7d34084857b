package watcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/plan"
)

// Trailers of the commits that revert an app: which commit failed, and of which
// app. Whoever sees them in a branch knows that it is done.
const (
	trailerReverts = "Headway-Reverts"
	trailerApp     = "Headway-App"
)

// revert takes the app's files back.
//
//	the branch's head                           what is done
//	holds the app as the revision has it        a commit on top of it is pushed
//	... and the server takes none there         the commit is pushed to a branch of its own,
//	                                            and propose opens a pull request
//	comes after a commit that reverts it        nothing, it is done
//	holds the app with other files              nothing: somebody has changed it since
//	... or with another headway.yaml            nothing: a person may have written a pin, or hold
func (w *writing) revert(ctx context.Context, head string) error {
	at, err := w.snapshot(ctx, head)
	if err != nil {
		return err
	}
	app := at.App(w.app)
	if app == nil || !app.Holds(w.revision) {
		if w.at = w.revertedIn(ctx, w.revision.Spec.Commit, head); w.at != "" {
			return nil
		}
		return notMade(fmt.Sprintf("nothing is reverted, as %s has moved: it is at %s, where %s has other files than in revision %s",
			v1alpha1.ShortRef(w.request.Branch), v1alpha1.Short(head), w.app, w.revision.Name))
	}
	if err := w.sameFile(ctx, app.File, head); err != nil {
		return err
	}
	made, err := w.make(ctx, head, app)
	if err != nil {
		return err
	}
	w.at = made.Hash
	w.rest()
	err = w.session.Push(ctx, w.request.Branch, head, made)
	if reasonOf(err) != git.ReasonRefused {
		return err
	}
	aside := w.pushAside(ctx, head, made)
	if aside == "" {
		return err
	}
	w.at, w.instead, w.refused = aside, w.proposal(), err
	return nil
}

// sameFile makes sure that the headway.yaml is the one that the revision was
// made of: much of it makes no new revision, and would be taken back unseen.
func (w *writing) sameFile(ctx context.Context, file, head string) error {
	failed := w.revision.Spec.Commit
	if failed == head {
		return nil
	}
	then, err := w.commit(ctx, failed)
	if err != nil {
		return fmt.Errorf("reading commit %s: %w", failed, err)
	}
	now, err := w.commit(ctx, head)
	if err != nil {
		return err
	}
	was, _ := then.File(file)
	if is, _ := now.File(file); is != was {
		return notMade(fmt.Sprintf("nothing is reverted, as %s has moved: somebody has changed %s since %s", v1alpha1.ShortRef(w.request.Branch), file, v1alpha1.Short(failed)))
	}
	return nil
}

// make makes the commit, with the paths that the app has in either commit.
func (w *writing) make(ctx context.Context, head string, app *plan.Candidate) (*git.Made, error) {
	to := w.request.Commit
	before, err := w.snapshot(ctx, to)
	if err != nil {
		return nil, fmt.Errorf("reading commit %s: %w", to, err)
	}
	good := before.App(w.app)
	if good == nil {
		return nil, notMade(fmt.Sprintf("commit %s has no usable headway.yaml with the name %q to go back to", to, w.app))
	}
	bad, err := w.commit(ctx, head)
	if err != nil {
		return nil, err
	}
	old, err := w.commit(ctx, to)
	if err != nil {
		return nil, err
	}
	paths := slices.Concat(app.Own(bad.Commit), good.Own(old.Commit))
	slices.Sort(paths)
	paths = slices.Compact(paths)
	w.restored = plan.Cover(bad.Commit, old.Commit, paths)
	made, err := w.cache.Revert(git.Revert{Head: head, From: to, Paths: paths, Message: w.message(), When: w.now})
	if errors.Is(err, git.ErrNoChange) {
		return nil, notMade(fmt.Sprintf("the files of %s are the same in %s and %s, so there is nothing to revert", w.app, v1alpha1.Short(to), v1alpha1.Short(head)))
	}
	return made, err
}

// pushAside pushes the commit to a branch of its own. "" where that is not
// possible either, or the branch has something else.
func (w *writing) pushAside(ctx context.Context, head string, made *git.Made) string {
	if there := w.session.Refs()[w.proposal()]; there != "" {
		return w.revertedIn(ctx, head, there)
	}
	if err := w.session.Push(ctx, w.proposal(), "", made); err != nil {
		return ""
	}
	return made.Hash
}

// proposal is the branch for a commit that the server takes on no other.
func (w *writing) proposal() string {
	return "refs/heads/headway/revert/" + w.app + "-" + v1alpha1.Short(w.revision.Spec.Commit)
}

// revertedIn finds the commit that reverts the revision among those that one
// commit has and another has not; "" where there is none, or they cannot be read.
func (w *writing) revertedIn(ctx context.Context, from, to string) string {
	gained, err := w.cache.Gained(ctx, w.session, from, to)
	if err != nil {
		return ""
	}
	for commit, message := range gained.Messages {
		trailers := strings.Split(lastParagraph(message), "\n")
		if slices.Contains(trailers, w.reverts()) && slices.Contains(trailers, trailerApp+": "+w.app) {
			return commit
		}
	}
	return ""
}

func (w *writing) reverts() string { return trailerReverts + ": " + w.revision.Spec.Commit }

// lastParagraph is where git has its trailers.
func lastParagraph(message string) string {
	message = strings.TrimSpace(message)
	return message[strings.LastIndex(message, "\n\n")+1:]
}
