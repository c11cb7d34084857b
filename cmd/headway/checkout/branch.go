package checkout

import (
	"context"
	"os/exec"
	"strings"
)

// DefaultBranch is most likely the production branch: the default branch of
// origin, as far as the clone knows it, else main, else the one that is checked
// out. It is empty without git, and asks no remote.
func (c *Checkout) DefaultBranch(ctx context.Context) string {
	git := func(args ...string) string {
		out, err := exec.CommandContext(ctx, "git", append([]string{"-C", c.Root}, args...)...).Output()
		if err != nil {
			return "" // git has no such thing, or there is no git
		}
		return strings.TrimSpace(string(out))
	}
	if branch, is := strings.CutPrefix(git("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"), "refs/remotes/origin/"); is {
		return branch
	}
	if git("rev-parse", "--verify", "--quiet", "refs/heads/main") != "" {
		return "main"
	}
	return git("symbolic-ref", "--quiet", "--short", "HEAD")
}
