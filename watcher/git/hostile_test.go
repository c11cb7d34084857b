package git_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/git/gittest"
)

// rawTree writes a tree object without git's checks.
func rawTree(t *testing.T, r *gittest.Repo, entries ...string) string {
	t.Helper()
	var b strings.Builder
	for _, e := range entries {
		var mode, name, id string
		if _, err := fmt.Sscanf(e, "%s %s %s", &mode, &id, &name); err != nil {
			t.Fatal(err)
		}
		raw, err := hex.DecodeString(id)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(mode + " " + name + "\x00" + string(raw))
	}
	return r.GitInput(b.String(), "hash-object", "-t", "tree", "-w", "--literally", "--stdin")
}

// TestHostileTrees: trees that git would not write, and a few kilobytes that
// stand for ten million files.
func TestHostileTrees(t *testing.T) {
	r := remotes(t)["http"]
	blob := r.repo.GitInput("boo", "hash-object", "-w", "--stdin")
	bomb := rawTree(t, r.repo, "100644 "+blob+" f")
	for range 7 {
		var entries []string
		for i := range 10 {
			entries = append(entries, fmt.Sprintf("40000 %s d%d", bomb, i))
		}
		bomb = rawTree(t, r.repo, entries...)
	}
	deep := rawTree(t, r.repo, "100644 "+blob+" f")
	for range 300 {
		deep = rawTree(t, r.repo, "40000 "+deep+" d")
	}
	long := rawTree(t, r.repo, "100644 "+blob+" f")
	for range 20 {
		long = rawTree(t, r.repo, "40000 "+long+" "+strings.Repeat("d", 250))
	}
	// What a push of 4 KB can do: each level has names as long as can be, and all of
	// them are the same folder.
	names := rawTree(t, r.repo, "100644 "+blob+" f")
	for range 5 {
		var entries []string
		for i := range 40 {
			entries = append(entries, fmt.Sprintf("40000 %s %02d%s", names, i, strings.Repeat("n", 200)))
		}
		names = rawTree(t, r.repo, entries...)
	}
	limits := git.DefaultLimits()
	limits.Entries = 50_000
	inner := rawTree(t, r.repo, "100644 "+blob+" f")
	const refused = "that git itself would refuse"
	tests := map[string]struct{ tree, reason, text string }{
		"bomb":             {bomb, v1alpha1.ReasonTooLarge, "more than 50000 files and folders"},
		"deep":             {deep, v1alpha1.ReasonTooLarge, "nested more than 256 deep"},
		"long":             {long, v1alpha1.ReasonTooLarge, "a path of 4266 bytes, and 4096 are the most"},
		"long names":       {names, v1alpha1.ReasonTooLarge, "have more than 32 MiB together"},
		"dot dot":          {rawTree(t, r.repo, "40000 "+inner+" .."), v1alpha1.ReasonFetchFailed, refused},
		"slash":            {rawTree(t, r.repo, "100644 "+blob+" a/../../b"), v1alpha1.ReasonFetchFailed, refused},
		"git folder":       {rawTree(t, r.repo, "40000 "+inner+" .GIT"), v1alpha1.ReasonFetchFailed, refused},
		"git file":         {rawTree(t, r.repo, "100644 "+blob+" .git"), v1alpha1.ReasonFetchFailed, refused},
		"link and folder":  {rawTree(t, r.repo, "120000 "+blob+" x", "40000 "+inner+" x"), v1alpha1.ReasonFetchFailed, refused},
		"nothing is wrong": {inner, "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			commit := r.repo.Git("commit-tree", "-m", name, test.tree)
			r.repo.Push("--force", commit+":refs/heads/main")
			err := readCommit(t.Context(), t.TempDir(), git.NewClient(limits), r, commit)
			if test.reason == "" {
				if err != nil {
					t.Errorf("a good tree: %v", err)
				}
				return
			}
			wantReason(t, err, test.reason, test.text)
		})
	}
}
