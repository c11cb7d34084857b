package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/watcher/tree"
)

// files is a commit written as "path=blob path*=blob path@commit": * is
// executable, @ a submodule.
func files(text string) *tree.Commit {
	c := &tree.Commit{}
	for _, word := range strings.Fields(text) {
		if path, commit, is := strings.Cut(word, "@"); is {
			c.Submodules = append(c.Submodules, tree.Submodule{Path: path, Commit: commit})
			continue
		}
		path, blob, _ := strings.Cut(word, "=")
		f := tree.File{Path: path, Mode: tree.Regular, Blob: blob}
		if name, is := strings.CutSuffix(path, "*"); is {
			f.Path, f.Mode = name, tree.Executable
		}
		c.Files = append(c.Files, f)
	}
	c.Sort()
	return c
}

func TestCover(t *testing.T) {
	for _, test := range []struct{ name, a, b, own, want string }{
		{"nothing differs", "a=1", "a=1", "a", ""},
		{"one file", "shop/main.go=1 other=1", "shop/main.go=2 other=1", "shop/main.go", "shop"},
		{"beside another's", "shop/a=1 shop/b=1", "shop/a=2 shop/b=2", "shop/a", "shop/a"},
		{"at the root", "a=1 b=1 c=1", "a=2 b=2 c=1", "a b c", "a b"},
		{"another's folder is left alone", "a/x=1 b/x=1", "a/x=2 b/x=2", "a/x", "a"},
		{"deep", "a/b/c=1 a/b/d=1 a/e=1", "a/b/c=2 a/b/d=2 a/e=2", "a/b/c a/b/d", "a/b"},
		{"come and gone", "a/old=1", "a/new=1", "a/new a/old", "a"},
		{"executable", "run=1", "run*=1", "run", "run"},
		{"submodule", "lib@1 a=1", "lib@2 a=2", "lib", "lib"},
		{"a file that was a folder", "x/mine=1 x/theirs=1", "x=1", "x x/mine", "x x/mine"},
	} {
		t.Run(test.name, func(t *testing.T) {
			own := strings.Fields(test.own)
			slices.Sort(own)
			for _, turned := range []bool{false, true} {
				a, b := files(test.a), files(test.b)
				if turned {
					a, b = b, a
				}
				if diff := cmp.Diff(test.want, strings.Join(Cover(a, b, own), " ")); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			}
		})
	}
}
