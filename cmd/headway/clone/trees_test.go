package clone

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/watcher/tree"
)

// TestTrees reads a commit and a working folder with all kinds of changes, and
// leaves no trace in the clone.
func TestTrees(t *testing.T) {
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	root := t.TempDir()
	t.Chdir(root)
	git := func(args ...string) string {
		out, err := exec.Command("git", append([]string{"-c", "user.name=Ada", "-c", "user.email=a@b"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	write := func(name, text string, mode os.FileMode) {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q", "-b", "main")
	write("a/changes", "before", 0o644)
	write("goes", "away", 0o644)
	write("run.sh", "#!/bin/sh", 0o755)
	write(".gitignore", "ignored\n", 0o644)
	if err := os.Symlink("a/changes", "link"); err != nil {
		t.Fatal(err)
	}
	git("add", ".")
	git("commit", "-qm", "First")
	head := git("rev-parse", "HEAD")
	write("a/changes", "after", 0o644)
	write("ignored", "x", 0o644)
	write("new\nline", "new", 0o644)
	if err := os.Remove("goes"); err != nil {
		t.Fatal(err)
	}
	before := git("count-objects") + git("status", "--porcelain")

	ctx := context.Background()
	t.Chdir(filepath.Join(root, "a"))
	c, err := Open(ctx, cli.Streams{})
	if err != nil {
		t.Fatal(err)
	}
	trees, err := c.OpenTrees(ctx)
	if err != nil {
		t.Fatal(err)
	}
	show := func(c *tree.Commit) string {
		var b strings.Builder
		for _, f := range c.Files {
			data, err := trees.Read(f.Blob, 6)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(strings.ReplaceAll(f.Path, "\n", "/n") + map[tree.Mode]string{tree.Executable: "*", tree.Symlink: "@"}[f.Mode] + " " + strings.TrimSpace(string(data)) + "\n")
		}
		return b.String()
	}
	commit, err := trees.Commit(ctx, head)
	if err != nil {
		t.Fatal(err)
	}
	want := ".gitignore ignored\na/changes before\ngoes away\nlink@ a/chang\nrun.sh* #!/bin/\n"
	if diff := cmp.Diff(want, show(commit)); diff != "" || commit.Subject != "First" || commit.Author != "Ada" || commit.Hash != head {
		t.Errorf("commit %q by %q\n%s", commit.Subject, commit.Author, diff)
	}
	working, err := trees.Working(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want = ".gitignore ignored\na/changes after\nlink@ a/chang\nnew/nline new\nrun.sh* #!/bin/\n"
	if diff := cmp.Diff(want, show(working)); diff != "" {
		t.Error(diff)
	}
	if _, err := trees.Read(strings.Repeat("0", 40), 6); err == nil {
		t.Error("a blob that is not there was read")
	}
	if err := trees.Close(); err != nil {
		t.Error(err)
	}
	t.Chdir(root)
	if after := git("count-objects") + git("status", "--porcelain"); after != before {
		t.Errorf("the clone was %q and is %q", before, after)
	}
	if _, err := os.Stat(trees.temporary); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", trees.temporary, err)
	}
}
