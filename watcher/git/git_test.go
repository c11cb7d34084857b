package git_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/git/gittest"
	"github.com/headway-dev/headway/watcher/tree"
)

// remote is a repository and how to read it.
type remote struct {
	repo   *gittest.Repo
	url    string
	secret map[string][]byte
}

// remotes are the same repository over both transports.
func remotes(t *testing.T) map[string]remote {
	h := gittest.NewHTTP(t)
	h.User, h.Password = "ada", "s3cret"
	repo := gittest.NewRepo(t, h.Root, "shop.git")
	s := gittest.NewSSH(t, h.Root)
	return map[string]remote{
		"http": {repo, h.CloneURL(repo), map[string][]byte{"username": []byte("ada"), "password": []byte("s3cret\n")}},
		"ssh":  {repo, s.CloneURL(repo), map[string][]byte{"identity": s.Identity, "known_hosts": s.KnownHosts}},
	}
}

func names(c *tree.Commit) []string {
	var out []string
	for _, f := range c.Files {
		out = append(out, f.Path)
	}
	return out
}

func connect(t *testing.T, client *git.Client, r remote) *git.Session {
	t.Helper()
	s, err := client.Connect(t.Context(), r.url, r.secret)
	if err != nil {
		t.Fatalf("Connect: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestFetchesWhatMoved(t *testing.T) {
	all := remotes(t)
	repo := all["http"].repo
	repo.CommitAndPush("first", map[string]string{"headway.yaml": "name: shop\n", "a/b.txt": "one"})
	for name, r := range all {
		t.Run(name, func(t *testing.T) {
			client := git.NewClient(git.DefaultLimits())
			cache, err := client.OpenCache(filepath.Join(t.TempDir(), "cache"))
			if err != nil {
				t.Fatal(err)
			}
			// Five pushes, a forced one among them.
			for i, push := range []func() string{
				func() string { return repo.Git("rev-parse", "HEAD") },
				func() string { return repo.CommitAndPush("second\n\nlong text", map[string]string{"a/b.txt": "two"}) },
				func() string {
					repo.Git("commit", "--quiet", "--allow-empty", "--amend", "-m", "forced "+name)
					repo.Push("--force", "HEAD")
					return repo.Git("rev-parse", "HEAD")
				},
				func() string { return repo.CommitAndPush("fourth", map[string]string{"c/" + name + ".txt": "x"}) },
				func() string {
					repo.Git("rm", "--quiet", "-r", "c")
					return repo.CommitAndPush("fifth", nil)
				},
			} {
				want := push()
				s := connect(t, client, r)
				if got := s.Refs()["refs/heads/main"]; got != want {
					t.Fatalf("push %d: refs/heads/main is %s, want %s", i, got, want)
				}
				if err := cache.Fetch(t.Context(), s, []string{want}); err != nil {
					t.Fatalf("push %d: Fetch: %v", i, err)
				}
				c, err := cache.Commit(t.Context(), want)
				if err != nil {
					t.Fatalf("push %d: %v", i, err)
				}
				if diff := cmp.Diff(strings.Split(repo.Git("ls-tree", "-r", "--name-only", want), "\n"), names(c)); diff != "" {
					t.Errorf("push %d: files (-git +got)\n%s", i, diff)
				}
				subject, _, _ := strings.Cut(repo.Git("log", "-1", "--format=%s", want), "\n")
				if c.Subject != subject || c.Author != "Ada" {
					t.Errorf("push %d: subject %q author %q, want %q by Ada", i, c.Subject, c.Author, subject)
				}
				for _, f := range c.Files {
					content, err := cache.Read(f.Blob, 1<<20)
					if err != nil {
						t.Fatalf("push %d: %s: %v", i, f.Path, err)
					}
					if got := repo.Git("show", want+":"+f.Path); got != strings.TrimRight(string(content), "\n") {
						t.Errorf("push %d: %s is %q, want %q", i, f.Path, content, got)
					}
				}
			}
		})
	}
}

func TestFetchIsShallowAndSmall(t *testing.T) {
	r := remotes(t)["http"]
	big := strings.Repeat("0123456789abcdef", 64<<10/16)
	r.repo.Commit("old", map[string]string{"old.bin": big + "old"})
	r.repo.Git("rm", "--quiet", "old.bin")
	first := r.repo.CommitAndPush("new", map[string]string{"kept.txt": "kept"})
	client := git.NewClient(git.DefaultLimits())
	dir := t.TempDir()
	cache, err := client.OpenCache(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := cache.Fetch(t.Context(), connect(t, client, r), []string{first}); err != nil {
		t.Fatal(err)
	}
	if cache.Has(r.repo.Git("rev-parse", "HEAD~1")) {
		t.Error("the parent was fetched: not shallow")
	}
	second := r.repo.CommitAndPush("more", map[string]string{"added.txt": "added"})
	if err := cache.Fetch(t.Context(), connect(t, client, r), []string{second}); err != nil {
		t.Fatal(err)
	}
	packs, _ := filepath.Glob(filepath.Join(dir, "objects/pack/*.pack"))
	slices.SortFunc(packs, func(a, b string) int { return modified(t, a).Compare(modified(t, b)) })
	if len(packs) != 2 {
		t.Fatalf("%d packs, want one per fetch", len(packs))
	}
	// A commit, a tree and a blob: what was there is not sent again.
	if out := r.repo.Git("verify-pack", "-v", packs[1]); strings.Count(out, " blob ") != 1 {
		t.Errorf("the second pack holds more than what moved:\n%s", out)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "incoming-*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestTagsArePeeled(t *testing.T) {
	for name, r := range remotes(t) {
		t.Run(name, func(t *testing.T) {
			r.repo.Git("checkout", "--quiet", "-B", "main")
			commit := r.repo.Commit("tagged", map[string]string{"a": "1"})
			r.repo.Git("tag", "--force", "-m", "annotated", "v1", commit)
			r.repo.Git("tag", "--force", "light", commit)
			r.repo.Push("--force", "HEAD", "v1", "light")
			refs := connect(t, git.NewClient(git.DefaultLimits()), r).Refs()
			for _, ref := range []string{"refs/heads/main", "refs/tags/v1", "refs/tags/light"} {
				if refs[ref] != commit {
					t.Errorf("%s is %s, want %s", ref, refs[ref], commit)
				}
			}
		})
	}
}

func TestFetchCommitThatNoRefPointsAt(t *testing.T) {
	for name, r := range remotes(t) {
		for _, allowed := range []string{"true", "false"} {
			t.Run(name+"/allowed="+allowed, func(t *testing.T) {
				r.repo.Git("--git-dir", r.repo.Bare, "config", "uploadpack.allowAnySHA1InWant", allowed)
				old := r.repo.Commit("old", map[string]string{"f": "old"})
				tip := r.repo.CommitAndPush("tip", map[string]string{"f": "tip"})
				gone := r.repo.Git("commit-tree", "-m", "nowhere", "HEAD^{tree}")
				client := git.NewClient(git.DefaultLimits())
				cache, err := client.OpenCache(t.TempDir())
				if err != nil {
					t.Fatal(err)
				}
				s := connect(t, client, r)
				if err := cache.Fetch(t.Context(), s, []string{tip}); err != nil {
					t.Fatal(err)
				}
				found, err := cache.FetchCommit(t.Context(), s, old, tip)
				if err != nil || !found {
					t.Fatalf("FetchCommit(old) = %v, %v; want it found", found, err)
				}
				if _, err := cache.Commit(t.Context(), old); err != nil {
					t.Error(err)
				}
				if found, err := cache.FetchCommit(t.Context(), s, gone, tip); err != nil || found {
					t.Errorf("FetchCommit(gone) = %v, %v; want not found", found, err)
				}
			})
		}
	}
}

func TestCorruptCacheIsTold(t *testing.T) {
	r := remotes(t)["http"]
	commit := r.repo.CommitAndPush("first", map[string]string{"a": "1", "b/c": "2"})
	client := git.NewClient(git.DefaultLimits())
	dir := t.TempDir()
	cache, err := client.OpenCache(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := connect(t, client, r)
	if err := cache.Fetch(t.Context(), s, []string{commit}); err != nil {
		t.Fatal(err)
	}
	packs, _ := filepath.Glob(filepath.Join(dir, "objects/pack/*.pack"))
	for _, pack := range packs {
		if err := os.Chmod(pack, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(pack, 20); err != nil {
			t.Fatal(err)
		}
	}
	if cache, err = client.OpenCache(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := cache.Commit(t.Context(), commit); !errors.Is(err, git.ErrCorrupt) {
		t.Fatalf("Commit of a corrupt cache: %v, want ErrCorrupt", err)
	}
	if err := cache.Reset(); err != nil {
		t.Fatal(err)
	}
	if err := cache.Fetch(t.Context(), s, []string{commit}); err != nil {
		t.Fatal(err)
	}
	if _, err := cache.Commit(t.Context(), commit); err != nil {
		t.Errorf("after a reset: %v", err)
	}
}

func TestFullCacheIsFetchedAfresh(t *testing.T) {
	r := remotes(t)["http"]
	limits := git.DefaultLimits()
	limits.CacheBytes = 1
	client := git.NewClient(limits)
	cache, err := client.OpenCache(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	first := r.repo.CommitAndPush("first", map[string]string{"a": "1"})
	if err := cache.Fetch(t.Context(), connect(t, client, r), []string{first}); err != nil {
		t.Fatal(err)
	}
	second := r.repo.CommitAndPush("second", map[string]string{"a": "2"})
	if err := cache.Fetch(t.Context(), connect(t, client, r), []string{second}); err != nil {
		t.Fatal(err)
	}
	if cache.Has(first) || !cache.Has(second) {
		t.Errorf("has first %v, second %v; want only the second", cache.Has(first), cache.Has(second))
	}
}

func wantReason(t *testing.T, err error, reason, text string) {
	t.Helper()
	var e *git.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %v (%T), want a *git.Error", err, err)
	}
	if e.Reason != reason || !strings.Contains(e.Error(), text) {
		t.Errorf("got %s: %s\nwant %s: ...%s...", e.Reason, e.Error(), reason, text)
	}
}

func TestLimits(t *testing.T) {
	r := remotes(t)["http"]
	commit := r.repo.CommitAndPush("first", map[string]string{"big.bin": strings.Repeat("x", 3<<20), "a": "1", "b": "2"})
	tests := map[string]struct {
		change func(*git.Limits)
		text   string
	}{
		"one file":    {func(l *git.Limits) { l.ObjectBytes = 1 << 20 }, "a file of 3 MiB, more than the limit of 1 MiB"},
		"whole fetch": {func(l *git.Limits) { l.PackBytes = 500 }, "larger than the limits"},
		"refs":        {func(l *git.Limits) { l.RefsBytes = 100 }, "larger than the limits"},
		"paths":       {func(l *git.Limits) { l.PathBytes = 7 }, "paths of the commit's files have more than 7 bytes together"},
		"files":       {func(l *git.Limits) { l.Entries = 2 }, "more than 2 files and folders"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			limits := git.DefaultLimits()
			test.change(&limits)
			wantReason(t, readCommit(t.Context(), t.TempDir(), git.NewClient(limits), r, commit), v1alpha1.ReasonTooLarge, test.text)
		})
	}
}

// readCommit goes all the way from the refs to the files.
func readCommit(ctx context.Context, dir string, client *git.Client, r remote, commit string) error {
	s, err := client.Connect(ctx, r.url, r.secret)
	if err != nil {
		return err
	}
	defer s.Close()
	cache, err := client.OpenCache(dir)
	if err != nil {
		return err
	}
	defer cache.Close()
	if err := cache.Fetch(ctx, s, []string{commit}); err != nil {
		return err
	}
	_, err = cache.Commit(ctx, commit)
	return err
}

func modified(t *testing.T, path string) time.Time {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// TestThinPackIsTaken: a small change of a large file comes as a delta against
// the file that is here already.
func TestThinPackIsTaken(t *testing.T) {
	for name, r := range remotes(t) {
		t.Run(name, func(t *testing.T) {
			var large strings.Builder
			for i := range 5000 {
				fmt.Fprintf(&large, "line %d %x\n", i, i*i*i)
			}
			client := git.NewClient(git.DefaultLimits())
			dir := t.TempDir()
			cache, err := client.OpenCache(dir)
			if err != nil {
				t.Fatal(err)
			}
			var sizes []int64
			for _, content := range []string{large.String(), large.String() + "one more\n", "one before\n" + large.String() + "two more\n"} {
				commit := r.repo.CommitAndPush("change", map[string]string{"large.txt": content})
				before := bytesIn(t, dir)
				if err := cache.Fetch(t.Context(), connect(t, client, r), []string{commit}); err != nil {
					t.Fatal(err)
				}
				sizes = append(sizes, bytesIn(t, dir)-before)
				c, err := cache.Commit(t.Context(), commit)
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range c.Files {
					got, err := cache.Read(f.Blob, 1<<20)
					if err != nil || f.Path != "large.txt" || string(got) != content {
						t.Fatalf("%s: %v, or another content than what was pushed", f.Path, err)
					}
				}
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "objects/pack/*.pack")); len(left) != 1 {
				t.Errorf("%d packs, want the first only: the later ones are thin; sizes %v", len(left), sizes)
			}
		})
	}
}

func bytesIn(t *testing.T, dir string) (total int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		total += info.Size()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return total
}
