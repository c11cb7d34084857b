package specfile

import "testing"

func TestGlobMatch(t *testing.T) {
	for _, c := range []struct {
		glob, name string
		want       bool
	}{
		{"go.mod", "go.mod", true},
		{"go.mod", "a/go.mod", false},
		{"libs/money", "libs/money/sum.go", true},
		{"libs/money", "libs/money-old/sum.go", false},
		{"libs/money/", "libs/money/a/b.go", true},
		{"./libs/*", "libs/money/a/b.go", true},
		{"libs/*.go", "libs/a.go", true},
		{"libs/*.go", "libs/a/b.go", false},
		{"libs/**", "libs/a/b.go", true},
		{"libs/**", "libs/a", true},
		{"libs/**", "libs", false},
		{"libs/**/*.go", "libs/a.go", true},
		{"libs/**/*.go", "libs/a/b/c.go", true},
		{"libs/**/*.go", "libs/a/b/c.txt", false},
		{"**/testdata", "a/testdata/x", true},
		{"**/testdata", "testdata/x", true},
		{"**/testdata", "a/testdata2/x", false},
		{"**", "anything/at/all", true},
		{"**/**", "x", true},
		{".", "x/y", true},
		{"a/**/b/**/c", "a/x/b/y/z/c", true},
		{"a/**/b/**/c", "a/x/y/z/c", false},
		{"libs/**/a", "libs", false},
		{"a*/**", "ab", false},
		{"a*/**", "ab/x", true},
		{"libs/*", "libs", false},
		{"libs/?", "libs/", false},
		{"[ab]/?.go", "b/x.go", true},
		{"[ab]/?.go", "c/x.go", false},
	} {
		g, err := ParseGlob(c.glob)
		if err != nil {
			t.Errorf("ParseGlob(%q): %v", c.glob, err)
			continue
		}
		if got := g.Match(c.name); got != c.want {
			t.Errorf("%q matches %q = %v, want %v", c.glob, c.name, got, c.want)
		}
	}
}

func TestLiteralGlob(t *testing.T) {
	g := LiteralGlob("a[1]{x}/go.mod")
	if !g.Match("a[1]{x}/go.mod") || g.Match("a1{x}/go.mod") || g.Match("a[1]{x}/go.mod2") {
		t.Error("a literal glob matches by its characters")
	}
}

// FuzzGlob checks that any glob that is accepted keeps its meaning in its
// clean form, and that a glob made of a plain name matches that name.
func FuzzGlob(f *testing.F) {
	f.Add("libs/**/*.go", "libs/a/b.go")
	f.Add("**/**/**/**/**/**/**/x", "a/a/a/a/a/a/a/a/a/a/a/a/a/y")
	f.Add("[a-", "a")
	f.Add("a//../b", "b/c")
	f.Fuzz(func(t *testing.T, glob, name string) {
		g, err := ParseGlob(glob)
		if err != nil {
			return
		}
		again, err := ParseGlob(g.String())
		if err != nil {
			t.Fatalf("%q was accepted but its clean form %q is not: %v", glob, g, err)
		}
		if again.Match(name) != g.Match(name) {
			t.Fatalf("%q and its clean form %q differ on %q", glob, g, name)
		}
		if g.Match(name) && !g.Match(name+"/deeper") {
			t.Fatalf("%q matches the folder %q but not what is in it", glob, name)
		}
	})
}

func TestGlobsReach(t *testing.T) {
	for _, c := range []struct {
		glob, dir string
		want      bool
	}{
		{"libs/money", "libs/money", true},
		{"libs/money", "libs", true},
		{"libs/money", "libs/money/deep", true},
		{"libs/money", "libs/mon", false},
		{"libs/money", "other", false},
		{"libs/money/**", "libs/money", true},
		{"libs/money/x.txt", "libs/money", true},
		{"libs/*.txt", "libs/money", false},
		{"libs/*/x", "libs/money", true},
		{"libs/*/x", "libs/money/y", false},
		{"libs/*/x", "libs/money/x/y", true},
		{"libs/m*", "libs/other", false},
		{"**/*.sql", "any/where", true},
		{"a/**/b", "a/x/y", true},
		{".", "any", true},
	} {
		g, err := ParseGlobs([]string{c.glob})
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Reach(c.dir); got != c.want {
			t.Errorf("%s reaches %s: %v, want %v", c.glob, c.dir, got, c.want)
		}
	}
}
