package architecture

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// readers are the folders that show the objects of the API to people.
var readers = []string{"api/explain", "cmd/headway"}

// prose are the fields of the API whose text is for people. Whoever needs to
// know what is in one reads a field that says it, or adds one.
var prose = []string{"Message", "Problem", "Cause"}

// TestReadersMatchNoMessages: a reader passes messages on, and takes no decision
// from their wording, which their authors are free to change.
func TestReadersMatchNoMessages(t *testing.T) {
	files := 0
	for _, folder := range readers {
		err := filepath.WalkDir(filepath.Join("..", "..", folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files++
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, found := range matches(t, path, string(source)) {
				t.Errorf("%s decides by the text of a message; read a field instead", found)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 20 {
		t.Errorf("looked at only %d files; the test looks in the wrong place", files)
	}
}

func TestMatchesAreFound(t *testing.T) {
	for code, want := range map[string]int{
		`strings.Contains(c.Message, "no standby")`:                     1,
		`strings.Cut(r.Status.Conditions[0].Message, ": ")`:             1,
		`strings.HasPrefix(strings.ToLower(s.Problem), "the image")`:    1,
		`strings.Contains(told.Message, c.Message)`:                     1,
		`regexp.MustCompile("standby: (.*)").FindString(ready.Message)`: 1,
		`c.Message == "the build failed"`:                               1,
		`c.Message != ""`:                                               0,
		`fmt.Sprintf("%s: %s", c.Reason, c.Message)`:                    0,
		`strings.TrimSpace(c.Message)`:                                  0,
		`strings.HasPrefix(r.Spec.Ref, "refs/heads/")`:                  0,
		`c.Reason == v1alpha1.ReasonBuildFailed`:                        0,
	} {
		if got := matches(t, "x.go", "package x\nvar _ = "+code); len(got) != want {
			t.Errorf("%s: found %q, want %d", code, got, want)
		}
	}
}

// matches are the places where a Go file looks for something in prose, or
// compares it with anything but nothing.
func matches(t *testing.T, path, source string) []string {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		matching := false
		switch n := n.(type) {
		case *ast.CallExpr:
			f, ok := n.Fun.(*ast.SelectorExpr)
			matching = ok && searches(f.Sel.Name) && slices.ContainsFunc(n.Args, isProse)
		case *ast.BinaryExpr:
			matching = (n.Op == token.EQL || n.Op == token.NEQ) && !isEmpty(n.X) && !isEmpty(n.Y) && (isProse(n.X) || isProse(n.Y))
		case *ast.SwitchStmt:
			matching = n.Tag != nil && isProse(n.Tag)
		}
		if matching {
			found = append(found, set.Position(n.Pos()).String())
		}
		return true
	})
	return found
}

// searches is true for the functions of strings and regexp that look for
// something in a text, by the begin of their names.
func searches(function string) bool {
	return slices.ContainsFunc([]string{"Contains", "Cut", "HasPrefix", "HasSuffix", "Index", "Split", "Fields", "EqualFold", "Match", "Find", "Sscan"},
		func(begin string) bool { return strings.HasPrefix(function, begin) })
}

// isProse is true for an expression with a field that is for people.
func isProse(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		found = found || ok && slices.Contains(prose, s.Sel.Name)
		return !found
	})
	return found
}

func isEmpty(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return e.Value == `""`
	case *ast.Ident:
		return e.Name == "nil"
	}
	return false
}

// TestExplainIsPure: whoever tells people about an app can use api/explain, as it
// needs nothing but the objects. It asks nobody, and gets the time as a value.
func TestExplainIsPure(t *testing.T) {
	paths, err := filepath.Glob("../../api/explain/*.go")
	if err != nil || len(paths) == 0 {
		t.Fatalf("found no files of api/explain: %v", err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range impurities(t, path, string(source)) {
			t.Errorf("%s: api/explain is pure and rests on the API alone", found)
		}
	}
}

func TestImpuritiesAreFound(t *testing.T) {
	for code, want := range map[string]int{
		`import "time"; func f(now time.Time) time.Duration { return time.Since(now) }`:                        1,
		`import ("fmt"; "os"); var now = time.Now()`:                                                           2,
		`import ("strings"; "k8s.io/apimachinery/pkg/api/meta"; "` + module + `api/condition")`:                0,
		`import ("context"; "sigs.k8s.io/controller-runtime/pkg/client"; "` + module + `reconciler/revision")`: 3,
	} {
		if got := impurities(t, "x.go", "package x; "+code); len(got) != want {
			t.Errorf("%s: found %q, want %d", code, got, want)
		}
	}
}

// impurities are the imports and the looks at the clock that a package of values
// has no use for.
func impurities(t *testing.T, path, source string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{`"cmp"`, `"fmt"`, `"maps"`, `"math"`, `"slices"`, `"strconv"`, `"strings"`, `"time"`, `"` + module + "api/", `"k8s.io/apimachinery/`}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			if !slices.ContainsFunc(allowed, func(begin string) bool { return strings.HasPrefix(n.Path.Value, begin) }) {
				found = append(found, path+" imports "+n.Path.Value)
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until"}, n.Sel.Name) {
				found = append(found, path+" asks for time."+n.Sel.Name)
			}
		}
		return true
	})
	return found
}
