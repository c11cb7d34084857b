//go:build e2e

package e2e

import (
	"errors"
	"testing"
	"time"

	"github.com/headway-dev/headway/deploy/local/layout"
)

// TestRepositoryRemovedAndAdded: one command after the other, as people mend a
// mistake in what they added; each time the app comes back.
func TestRepositoryRemovedAndAdded(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("hello")
	commit := code.push("First")
	add := func() {
		tm.Helper()
		tm.headwayWith(cluster.GitPassword+"\n", "repo", "add", code.tree.URL, "--name", repositoryName, "--username", layout.GitUser, "--password-stdin", "--wait")
	}
	add()
	tm.waitLive("hello", commit)
	for range 8 {
		tm.headway("repo", "remove", repositoryName, "--yes")
		add()
	}
	tm.waitLive("hello", commit)
}

// TestRename: the old app answers until the new one does.
func TestRename(t *testing.T) {
	t.Parallel()
	tm := newTeam(t)
	code := tm.clone("hello")
	first := code.push("First")
	code.watch()
	tm.waitLive("hello", first)
	code.edit("headway.yaml", "name: hello", "name: hallo")
	renamed := code.push("Rename")
	eventually(t, time.Minute, "the old app goes after the new one is live", func() error {
		_, oldErr := tm.app("hello")
		next, nextErr := tm.app("hallo")
		if oldErr != nil && (nextErr != nil || next.Status.Live == "") {
			t.Fatalf("the old app is gone (%v) and the new one is not live (%v)", oldErr, nextErr)
		}
		if oldErr == nil {
			return errors.New("the old app is there")
		}
		return nil
	})
	tm.waitLive("hallo", renamed)
}
