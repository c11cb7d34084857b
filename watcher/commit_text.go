package watcher

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
)

const (
	// maxProblem is the longest problem of a CommitResult, in bytes, without the
	// commands; maxRestored the longest list of paths in those. Together they fit
	// into the 4096 that the API takes.
	maxProblem  = 1000
	maxRestored = 2000
)

// message of the commit that reverts.
func (w *writing) message() string {
	to, failed := w.request.Commit, w.revision.Spec
	paragraphs := []string{w.subject()}
	if said := strings.TrimSpace(w.request.Message); said != "" {
		paragraphs = append(paragraphs, said)
	}
	return strings.Join(append(paragraphs,
		fmt.Sprintf("The files of %s are as in %s again, before\n%s (%s).", w.app, to, failed.Commit, failed.Subject),
		w.reverts()+"\n"+trailerApp+": "+w.app+"\n"), "\n\n")
}

func (w *writing) subject() string {
	return "Revert " + w.app + " to " + v1alpha1.Short(w.request.Commit)
}

// result says how a request went.
func (w *writing) result(err error) *v1alpha1.CommitResult {
	out := &v1alpha1.CommitResult{Action: w.request.Action, Revision: w.request.Revision}
	if err != nil {
		out.Problem = condition.Shorten(err.Error(), maxProblem)
		if w.revision != nil {
			out.Problem += w.advice(reasonOf(err)) + ": " + w.byHand(reasonOf(err))
		}
		return out
	}
	out.Commit, out.Branch, out.Request = w.at, v1alpha1.ShortRef(w.instead), w.url
	return out
}

// written is the branch that was written.
func (w *writing) written() string {
	if w.instead != "" {
		return w.instead
	}
	return w.request.Branch
}

// why is why that is not the one asked for.
func (w *writing) why() string {
	switch {
	case w.instead == "":
		return ""
	case w.url != "":
		return fmt.Sprintf("; the pull request into %s is %s: %v", v1alpha1.ShortRef(w.request.Branch), w.url, w.refused)
	case w.unopened != nil:
		return fmt.Sprintf("; open a pull request of it into %s: %v; %v", v1alpha1.ShortRef(w.request.Branch), w.refused, w.unopened)
	}
	return fmt.Sprintf("; open a pull request of it into %s: %v", v1alpha1.ShortRef(w.request.Branch), w.refused)
}

// advice is what leads over to the commands.
func (w *writing) advice(reason string) string {
	forward := w.request.Action == v1alpha1.CommitFastForward
	switch {
	case reason == git.ReasonNoWriteAccess:
		return ". Give the Repository credentials that may write, for the next time; for this one, run"
	case reason == git.ReasonRefused && forward:
		return fmt.Sprintf(". Open a pull request of %s into %s, or run this as somebody who may push there",
			v1alpha1.ShortRef(w.revision.Spec.Ref), v1alpha1.ShortRef(w.request.Branch))
	case reason == git.ReasonRefused:
		return ". Run this, and open a pull request"
	}
	return ". By hand"
}

// byHand are the commands that do what was asked for, in a clone.
func (w *writing) byHand(reason string) string {
	branch := shellWord(v1alpha1.ShortRef(w.request.Branch))
	switch {
	case w.request.Action == v1alpha1.CommitFastForward && reason == git.ReasonNotFastForward:
		from := shellWord(v1alpha1.ShortRef(w.revision.Spec.Ref))
		return fmt.Sprintf("git fetch origin && git switch %s && git merge origin/%s && git push origin %s", from, branch, from)
	case w.request.Action == v1alpha1.CommitFastForward:
		return fmt.Sprintf("git fetch origin && git push origin %s:%s", w.request.Commit, shellWord(w.request.Branch))
	}
	start, push := fmt.Sprintf("git switch %s && git pull --ff-only", branch), "git push origin "+branch
	if reason == git.ReasonRefused {
		own := v1alpha1.ShortRef(w.proposal())
		start, push = fmt.Sprintf("git fetch origin && git switch -c %s origin/%s", own, branch), "git push -u origin "+own
	}
	return strings.Join([]string{start, w.takeBack(), push}, " && ")
}

// takeBack are the commands that make the commit: the same one where it is known
// what it takes back, and can be written down.
func (w *writing) takeBack() string {
	var words []string
	for _, path := range w.restored {
		words = append(words, shellWord(path))
	}
	paths := strings.Join(words, " ")
	switch {
	case w.signers != nil:
		return "git revert --no-edit -S " + w.revision.Spec.Commit
	case paths == "" || len(paths) > maxRestored:
		return "git revert --no-edit " + w.revision.Spec.Commit
	}
	return fmt.Sprintf("git restore --source=%s --staged --worktree -- %s && git commit -m %s --trailer %s --trailer %s",
		w.request.Commit, paths, shellWord(w.subject()), shellWord(w.reverts()), shellWord(trailerApp+": "+w.app))
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=-]+$`)

// shellWord makes s one word for a POSIX shell.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
