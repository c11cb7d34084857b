package intake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/google/go-cmp/cmp"
)

// git runs git with something on standard input.
func git(t testing.TB, dir string, in []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(in)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// bare makes an empty cache.
func bare(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, nil, "init", "--quiet", "--bare", ".")
	return dir
}

// put writes a pack into a cache, as a fetch does.
func put(t testing.TB, dir string, pack []byte) string {
	t.Helper()
	name := filepath.Join(dir, "incoming-1")
	if err := os.WriteFile(name, pack, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// want are the objects of a repository, as git lists them: hash, kind and size.
func want(t testing.TB, dir string) map[string]bool {
	t.Helper()
	set := map[string]bool{}
	for line := range strings.Lines(string(git(t, dir, nil, "cat-file", "--batch-all-objects", "--batch-check"))) {
		set[strings.TrimSpace(line)] = true
	}
	return set
}

// got are those of the same that a cache has with the right content, as the
// watcher reads them.
func got(t testing.TB, dir string, wanted map[string]bool) map[string]bool {
	t.Helper()
	storage := filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRUDefault())
	set := map[string]bool{}
	for line := range wanted {
		hash, _, _ := strings.Cut(line, " ")
		o, err := storage.EncodedObject(plumbing.AnyObject, plumbing.NewHash(hash))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		r, err := o.Reader()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		set[fmt.Sprintf("%s %s %d", plumbing.ComputeHash(o.Type(), content), o.Type(), len(content))] = true
	}
	return set
}

// history is a repository of commits that change a large and a small file a bit.
func history(t testing.TB, commits int) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, nil, "init", "--quiet", "--initial-branch=main", ".")
	for n := range commits {
		var large strings.Builder
		for i := range 8_000 {
			fmt.Fprintf(&large, "line %d of %x\n", i, i*i*i)
			if i%(n+2) == 0 && i < 100 {
				fmt.Fprintf(&large, "changed by commit %d\n", n)
			}
		}
		for name, content := range map[string]string{"large.txt": large.String(), "small.txt": large.String()[:4000], "own.txt": fmt.Sprint("commit ", n)} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		git(t, dir, nil, "add", ".")
		git(t, dir, nil, "commit", "--quiet", "-m", fmt.Sprint("commit ", n))
	}
	return dir
}

// TestTakesWhatGitPacks: what git reads from a cache is what was packed, whether
// deltas are left in the pack, or are stored whole as their chains are long.
func TestTakesWhatGitPacks(t *testing.T) {
	from := history(t, 32)
	wanted := want(t, from)
	for _, args := range [][]string{
		{"--delta-base-offset", "--depth=50"},
		{"--delta-base-offset", "--window=0"},
		{"--depth=50"}, // bases named by their hashes
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			pack := git(t, from, nil, append([]string{"pack-objects", "--all", "--quiet", "--stdout", "--no-reuse-delta"}, args...)...)
			dir := bare(t)
			held, err := take(dir, put(t, dir, pack), DefaultBounds(), 1<<30)
			if err != nil || !held.Taken {
				t.Fatalf("%+v, %v", held, err)
			}
			if diff := cmp.Diff(wanted, got(t, dir, wanted)); diff != "" {
				t.Errorf("objects (-packed +taken)\n%s", diff)
			}
		})
	}
}

// TestIndexIsGits: an index that leaves nothing out has the bytes of git's own.
func TestIndexIsGits(t *testing.T) {
	from := history(t, 3)
	pack := git(t, from, nil, "pack-objects", "--all", "--quiet", "--stdout", "--window=0", "--delta-base-offset")
	dir, gits := bare(t), bare(t)
	if _, err := take(dir, put(t, dir, pack), DefaultBounds(), 1<<30); err != nil {
		t.Fatal(err)
	}
	git(t, gits, pack, "index-pack", "--stdin")
	read := func(dir string) []byte {
		files, _ := filepath.Glob(filepath.Join(dir, "objects/pack/*.idx"))
		if len(files) != 1 {
			t.Fatalf("indexes %v", files)
		}
		data, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if !bytes.Equal(read(dir), read(gits)) {
		t.Error("the index differs from git's")
	}
}

// TestThinPack: deltas against objects that the cache has.
func TestThinPack(t *testing.T) {
	from := history(t, 6)
	dir := bare(t)
	old := git(t, from, []byte("main~3\n"), "pack-objects", "--quiet", "--stdout", "--revs", "--delta-base-offset")
	if _, err := take(dir, put(t, dir, old), DefaultBounds(), 1<<30); err != nil {
		t.Fatal(err)
	}
	thin := git(t, from, []byte("main\n^main~3\n"), "pack-objects", "--quiet", "--stdout", "--revs", "--thin", "--no-reuse-delta")
	elsewhere := bare(t)
	_, err := take(elsewhere, put(t, elsewhere, thin), DefaultBounds(), 1<<30)
	if why := new(*Problem); !errors.As(err, why) || (*why).Kind != Incomplete {
		t.Errorf("into an empty cache: %v, want that it is incomplete", err)
	}
	if _, err := take(dir, put(t, dir, thin), DefaultBounds(), 1<<30); err != nil {
		t.Fatal(err)
	}
	wanted := want(t, from)
	if diff := cmp.Diff(wanted, got(t, dir, wanted)); diff != "" {
		t.Errorf("objects (-packed +taken)\n%s", diff)
	}
}

// TestDroppedBasesAreMadeAgain: with no room for bases that wait the result is
// the same.
func TestDroppedBasesAreMadeAgain(t *testing.T) {
	from := history(t, 12)
	pack := git(t, from, nil, "pack-objects", "--all", "--quiet", "--stdout", "--delta-base-offset", "--window=50", "--no-reuse-delta")
	resolved := func(hold int64) map[string]bool {
		s, err := scan(bytes.NewReader(pack), int64(len(pack)), DefaultBounds())
		if err != nil {
			t.Fatal(err)
		}
		r := newResolver(s, bytes.NewReader(pack), nil, DefaultBounds(), func(entry) bool { return false })
		r.hold = hold
		if err := r.resolve(); err != nil {
			t.Fatal(err)
		}
		hashes := map[string]bool{}
		for _, e := range s.entries {
			hashes[e.hash.String()] = true
		}
		return hashes
	}
	if diff := cmp.Diff(resolved(holdBytes), resolved(0)); diff != "" {
		t.Error(diff)
	}
}
