package git_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/git/gittest"
)

// fetched is a shallow cache of some commits.
func fetched(t *testing.T, client *git.Client, s *git.Session, commits ...string) *git.Cache {
	t.Helper()
	cache, err := client.OpenCache(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cache.Close)
	for _, commit := range commits {
		if err := cache.Fetch(t.Context(), s, []string{commit}); err != nil {
			t.Fatal(err)
		}
	}
	return cache
}

// when is the time of the commits that are made.
var when = time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)

// change is a commit as a person makes it: files to write, and commands for a
// shell in the work tree.
type change struct {
	files map[string]string
	shell string
}

func (c change) commit(t *testing.T, r *gittest.Repo) string {
	t.Helper()
	r.Git("rm", "-r", "-q", "-f", "--ignore-unmatch", ".")
	r.Write(c.files)
	if c.shell != "" {
		r.Git("-c", "alias.sh=!sh -ec '"+c.shell+"'", "sh")
	}
	return r.CommitAndPush("change", nil)
}

// TestRevertIsWhatGitMakes: the tree of a commit that is made here is the one
// that git itself makes of the same paths.
func TestRevertIsWhatGitMakes(t *testing.T) {
	tests := map[string]struct {
		good, bad change
		paths     string
	}{
		"a subfolder": {
			change{files: map[string]string{"shop/main.go": "good", "shop/a/b/c": "same", "other/main.go": "one"}},
			change{files: map[string]string{"shop/main.go": "bad", "shop/a/b/c": "same", "other/main.go": "two"}},
			"shop/main.go shop/a/b/c",
		},
		"files come and go": {
			change{files: map[string]string{"shop/kept": "1", "shop/old/one": "1", "shop/old/two": "2", "other": "1"}},
			change{files: map[string]string{"shop/kept": "1", "shop/new/deep/file": "3", "other": "2"}},
			"shop/kept shop/old/one shop/old/two shop/new/deep/file",
		},
		"executables and links": {
			change{map[string]string{"run.sh": "#!/bin/sh", "plain": "x"}, "chmod +x run.sh; ln -s run.sh link; ln -s nowhere loose"},
			change{map[string]string{"run.sh": "#!/bin/sh", "plain": "x", "link": "now a file"}, "chmod +x plain; ln -sf elsewhere loose"},
			"run.sh plain link loose",
		},
		"a file becomes a folder": {
			change{files: map[string]string{"x": "file", "y/1": "folder", "y/2": "folder", "z": "z"}},
			change{files: map[string]string{"x/1": "folder", "x/2": "folder", "y": "file", "z": "z"}},
			"x x/1 x/2 y y/1 y/2",
		},
		"names that sort as folders do": {
			change{files: map[string]string{"a.b": "1", "a/c": "1", "a-b": "1", "a0": "1"}},
			change{files: map[string]string{"a.b": "2", "a": "2", "a0": "2"}},
			"a.b a/c a-b a0 a",
		},
		"all of it": {
			change{files: map[string]string{"only": "good"}},
			change{files: map[string]string{"another/one": "bad"}},
			"only another/one",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := remotes(t)["http"]
			good, bad := test.good.commit(t, r.repo), test.bad.commit(t, r.repo)
			client := git.NewClient(git.DefaultLimits())
			s := connect(t, client, r)
			cache := fetched(t, client, s, bad)
			if found, err := cache.FetchCommit(t.Context(), s, good, bad); err != nil || !found {
				t.Fatalf("FetchCommit: %v, %v", found, err)
			}
			paths := strings.Fields(test.paths)
			made, err := cache.Revert(git.Revert{Head: bad, From: good, Paths: paths, Message: "Revert it\n\nTrailer: yes\n", When: when})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Push(t.Context(), "refs/heads/main", bad, made); err != nil {
				t.Fatal(err)
			}
			r.repo.InBare("fsck", "--strict")
			if diff := cmp.Diff(r.repo.Git("ls-tree", "-r", byGit(r.repo, good, bad, paths)), r.repo.InBare("ls-tree", "-r", "main")); diff != "" {
				t.Errorf("tree (-git +here)\n%s", diff)
			}
			want := made.Hash + " " + bad + "\nHeadway <headway@noreply> 2026-11-27T10:00:00+00:00\nHeadway <headway@noreply> 2026-11-27T10:00:00+00:00\nRevert it\n\nTrailer: yes"
			if diff := cmp.Diff(want, r.repo.InBare("log", "-1", "--date=iso-strict", "--format=%H %P%n%an <%ae> %ad%n%cn <%ce> %cd%n%B", "main")); diff != "" {
				t.Errorf("commit (-want +got)\n%s", diff)
			}
		})
	}
}

// byGit is the tree of one commit with paths taken from another.
func byGit(r *gittest.Repo, good, bad string, paths []string) string {
	r.Git("read-tree", bad)
	for _, name := range paths {
		if blob(r, bad, name) != nil {
			r.Git("update-index", "--force-remove", name)
		}
	}
	for _, name := range paths {
		if f := blob(r, good, name); f != nil {
			r.Git("update-index", "--add", "--cacheinfo", f[0]+","+f[2]+","+name)
		}
	}
	return r.Git("write-tree")
}

// blob is the mode, type and id of a file in a commit; nil where there is none.
func blob(r *gittest.Repo, commit, name string) []string {
	if f := strings.Fields(r.Git("ls-tree", commit, name)); len(f) > 0 && f[1] == "blob" {
		return f
	}
	return nil
}

// TestRevertBringsWhatTheRemoteLost: files of a commit that no branch has any
// more come with the push.
func TestRevertBringsWhatTheRemoteLost(t *testing.T) {
	r := remotes(t)["http"]
	r.repo.CommitAndPush("root", map[string]string{"z": "1"})
	good := r.repo.CommitAndPush("good", map[string]string{"a": "good"})
	client := git.NewClient(git.DefaultLimits())
	cache := fetched(t, client, connect(t, client, r), good)
	r.repo.Git("reset", "--quiet", "--hard", "HEAD~1")
	bad := r.repo.Commit("bad", map[string]string{"a": "bad"})
	r.repo.Push("--force", "HEAD")
	r.repo.InBare("reflog", "expire", "--expire=now", "--all")
	r.repo.InBare("gc", "--quiet", "--prune=now")
	s := connect(t, client, r)
	if err := cache.Fetch(t.Context(), s, []string{bad}); err != nil {
		t.Fatal(err)
	}
	made, err := cache.Revert(git.Revert{Head: bad, From: good, Paths: []string{"a"}, Message: "back", When: when})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Push(t.Context(), "refs/heads/main", bad, made); err != nil {
		t.Fatal(err)
	}
	r.repo.InBare("fsck", "--strict", "--connectivity-only")
	if got := r.repo.InBare("show", "main:a"); got != "good" {
		t.Errorf("the file is %q", got)
	}
}

func TestRevertsThatAreNotMade(t *testing.T) {
	r := remotes(t)["http"]
	good := r.repo.CommitAndPush("good", map[string]string{"x": "file", "big": strings.Repeat("g", 2000), "same": "1"})
	if err := os.Remove(r.repo.Path("x")); err != nil {
		t.Fatal(err)
	}
	bad := r.repo.CommitAndPush("bad", map[string]string{"x/mine": "1", "x/theirs": "1", "big": "b", "same": "1"})
	limits := git.DefaultLimits()
	limits.PushBytes = 1000
	client := git.NewClient(limits)
	cache := fetched(t, client, connect(t, client, r), bad, good)
	revert := func(paths ...string) error {
		_, err := cache.Revert(git.Revert{Head: bad, From: good, Paths: paths, Message: "m", When: when})
		return err
	}
	if err := revert("same", "nowhere"); !errors.Is(err, git.ErrNoChange) {
		t.Errorf("nothing to change: %v", err)
	}
	wantReason(t, revert("x", "x/mine"), git.ReasonConflict, "x is a file in one of the commits and a folder in the other")
	wantReason(t, revert("big"), v1alpha1.ReasonTooLarge, "1000 bytes")
}
