package promotion

import (
	"fmt"
	"strings"

	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/watcher/plan"
)

// state is what matters of a clone before a commit is made in it.
type state struct {
	remote string
	// production is the branch that the cluster follows; byDefault: nobody has
	// said so, it is the default branch of the remote.
	production string
	byDefault  bool
	// branch is the one that is checked out; empty for none.
	branch string
	// file is the path of the headway.yaml, dirty that it has changes that are
	// in no commit.
	file  string
	dirty bool
	// ahead and behind are how many commits the branch has that the remote has
	// not, and the other way round.
	ahead, behind int
}

// elsewhere is why the branch that is checked out is not the one to commit to.
func (s state) elsewhere() error {
	if s.branch == s.production {
		return nil
	}
	on := "no branch is checked out here"
	if s.branch != "" {
		on = "this clone is on " + s.branch
	}
	otherwise := ""
	if s.byDefault {
		otherwise = fmt.Sprintf(" (the default branch of %s; --branch names another)", s.remote)
	}
	return fmt.Errorf("%s, and the production branch is %s%s: git switch %s", on, s.production, otherwise, s.production)
}

// refuse is why no commit can be made; nil where one can.
func (s state) refuse() error {
	switch err := s.elsewhere(); {
	case err != nil:
		return err
	case s.dirty:
		return fmt.Errorf("%s has changes that are in no commit; commit them and push, or put them away: git stash push %s", s.file, s.file)
	case s.ahead > 0 && s.behind > 0:
		return fmt.Errorf("%s and that of %s have parted (%s here, %s there): git pull --rebase, then git push", s.branch, s.remote, commits(s.ahead), commits(s.behind))
	case s.behind > 0:
		return fmt.Errorf("%s is %s behind %s: git pull --ff-only", s.branch, commits(s.behind), s.remote)
	case s.ahead > 0:
		return fmt.Errorf("%s has %s that %s does not have, and would push with this one: git push first", s.branch, commits(s.ahead), s.remote)
	}
	return nil
}

func commits(n int) string {
	if n == 1 {
		return "1 commit"
	}
	return fmt.Sprintf("%d commits", n)
}

// fileOf finds the headway.yaml of an app.
func fileOf(app string, specs plan.SpecFiles) (string, error) {
	var files, others, broken []string
	for _, c := range specs {
		switch {
		case c.Name == app:
			files = append(files, c.File)
		case c.Name != "":
			others = append(others, c.Name)
		case !c.Template:
			broken = append(broken, "\n"+c.Problem.Message)
		}
	}
	switch {
	case len(files) == 1:
		return files[0], nil
	case len(files) > 1:
		return "", fmt.Errorf("%s have the name %s; give one of them another name", cli.Enumerate(files), app)
	case len(others) == 0:
		return "", fmt.Errorf("this clone has no app %s, nor any other%s", app, strings.Join(broken, ""))
	}
	return "", fmt.Errorf("this clone has no app %s, but %s%s", app, cli.Enumerate(others), strings.Join(broken, ""))
}
