package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/specfile"
	"github.com/headway-dev/headway/watcher/tree"
)

// content is a commit in memory: content by path. The blob id is the content.
type content map[string]string

func (content) Read(blob string, limit int64) ([]byte, error) {
	if int64(len(blob)) > limit {
		blob = blob[:limit+1]
	}
	return []byte(blob), nil
}

func (t content) commit() *tree.Commit {
	c := &tree.Commit{Hash: hash("a1"), Subject: strings.Repeat("ü", 200), Author: "Ada"}
	for path, data := range t {
		c.Files = append(c.Files, tree.File{Path: path, Mode: tree.Regular, Blob: data})
	}
	slices.SortFunc(c.Files, func(a, b tree.File) int { return strings.Compare(a.Path, b.Path) })
	return c
}

func readSnapshot(c *tree.Commit, blobs tree.Blobs, known map[string]bool) (*Snapshot, error) {
	files, err := ReadSpecFiles(c, blobs, known)
	if err != nil {
		return nil, err
	}
	return files.Resolve(c, blobs, &detect.Memo{})
}

func TestLinkedSpecIsAProblem(t *testing.T) {
	c := content{"a/headway.yaml": "../headway.yaml", "a/main.go": "package main\n\nfunc main() {}\n"}.commit()
	c.Files[0].Mode = tree.Symlink
	s, err := readSnapshot(c, content{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &Problem{v1alpha1.ReasonInvalidSpec, "a/headway.yaml:1:1: headway.yaml is a symbolic link; make it a file"}
	if len(s.Apps) != 1 || s.Apps[0].Problem == nil || *s.Apps[0].Problem != *want {
		t.Errorf("apps are %+v, want the problem %v", s.Apps, *want)
	}
}

func TestReadSnapshot(t *testing.T) {
	files := content{
		"go.mod": "module x", "go.sum": "sums", "libs/m/m.go": "package m", "README.md": "x",
		"a/headway.yaml": "name: a\nwatch: [libs/**]", "a/main.go": "package main\n\nfunc main() {}\n", "a/sub/headway.yaml": "name: sub\nimage: x@sha256:" + strings.Repeat("0", 64),
		"broken/headway.yaml": "name: broken\nprot: 1", "broken/main.go": "package main\n\nfunc main() {}\n",
		"empty/headway.yaml":    "name: empty",
		"big/headway.yaml":      "name: big # " + strings.Repeat("x", specfile.MaxBytes),
		"vendor/v/headway.yaml": "name: v", "a/testdata/headway.yaml": "nonsense", "node_modules/n/headway.yaml": "name: n",
		"scaffold/headway.yaml":           "name: {{ name }}",
		"{{cookiecutter.x}}/headway.yaml": "name: cookie",
		"ab/other.go":                     "package ab",
		"site/headway.yaml":               "name: site\nwatch: [libs]\nignore: ['**/*.md', libs/m, site/Dockerfile]",
		"site/index.html":                 "<p>", "site/Dockerfile": "FROM x", "site/notes.md": "x", "libs/n/n.txt": "x", "libs/n/n.md": "x",
	}
	s, err := readSnapshot(files.commit(), files, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range s.Apps {
		line := c.File + " " + c.Name
		if c.Template {
			line += " template"
		} else if c.Problem != nil {
			line += " " + c.Problem.Reason + " " + c.Problem.Message
		} else {
			for _, f := range SourceFiles(c.App, files.commit()) {
				line += " " + f.Path
			}
		}
		got = append(got, line[:min(len(line), 110)])
	}
	want := []string{
		"a/headway.yaml a a/main.go a/testdata/headway.yaml go.mod go.sum libs/m/m.go libs/n/n.md libs/n/n.txt",
		"a/sub/headway.yaml sub",
		"big/headway.yaml  InvalidSpec big/headway.yaml:1:1: ",
		"broken/headway.yaml  InvalidSpec broken/headway.yaml:2:1: ",
		"empty/headway.yaml empty NoTemplateFit empty/headway.yaml:1:1: no build template fits folder \"empty\"",
		"scaffold/headway.yaml  template",
		"site/headway.yaml site libs/n/n.txt site/index.html",
		"{{cookiecutter.x}}/headway.yaml  template",
	}
	if template := s.App("site").App.Build.Template; template != "static" {
		t.Errorf("a Dockerfile that is ignored: the template is %s, want static", template)
	}
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if strings.HasSuffix(want[i], ": ") || strings.Contains(want[i], "NoTemplateFit") {
			if !strings.HasPrefix(got[i], want[i]) {
				t.Errorf("got  %q\nwant %q...", got[i], want[i])
			}
		} else if got[i] != want[i] {
			t.Errorf("got  %q\nwant %q", got[i], want[i])
		}
	}
	if n := len([]rune(s.Subject)); n != 120 {
		t.Errorf("the subject has %d characters, want 120", n)
	}
}

// TestTooManySpecFiles: the apps that run are followed whatever is added
// beside them, and the name of one that is left out is known.
func TestTooManySpecFiles(t *testing.T) {
	files := content{}
	for i := range MaxSpecFiles + 7 {
		files[fmt.Sprintf("%03d/headway.yaml", i)] = fmt.Sprintf("name: a%d", i)
	}
	files["vendor/x/headway.yaml"] = "name: x"
	for _, test := range []struct {
		known map[string]bool
		left  string
	}{
		{nil, "500/headway.yaml=a500 501/headway.yaml=a501 502/headway.yaml=a502 503/headway.yaml=a503 504/headway.yaml=a504 505/headway.yaml=a505 506/headway.yaml=a506"},
		{map[string]bool{"502/headway.yaml": true, "506/headway.yaml": true, "gone/headway.yaml": true},
			"498/headway.yaml=a498 499/headway.yaml=a499 500/headway.yaml=a500 501/headway.yaml=a501 503/headway.yaml=a503 504/headway.yaml=a504 505/headway.yaml=a505"},
	} {
		s, err := readSnapshot(files.commit(), files, test.known)
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, c := range s.Apps {
			if c.omitted {
				left = append(left, c.File+"="+c.claims)
			}
		}
		if got := strings.Join(left, " "); got != test.left {
			t.Errorf("known %v: left out %s\nwant %s", test.known, got, test.left)
		}
		want := "there are 507 headway.yaml files; 500 are read, these are not: " + test.left[:len("500/headway.yaml")]
		if got := s.Omitted(); got == nil || !strings.HasPrefix(got.Message, want) || !strings.Contains(got.Message, "and 2 more") {
			t.Errorf("%v, want %s...", got, want)
		}
	}
}

// TestKeys: the key is the same exactly when the files are.
func TestKeys(t *testing.T) {
	base := []tree.File{{Path: "a", Mode: tree.Regular, Blob: "1"}, {Path: "b", Mode: tree.Regular, Blob: "2"}}
	change := func(f func([]tree.File) []tree.File) string { return treeKey(f(slices.Clone(base))) }
	keys := map[string]string{
		"content": change(func(f []tree.File) []tree.File { f[0].Blob = "3"; return f }),
		"mode":    change(func(f []tree.File) []tree.File { f[0].Mode = tree.Executable; return f }),
		"name":    change(func(f []tree.File) []tree.File { f[0].Path = "c"; return f }),
		"gone":    change(func(f []tree.File) []tree.File { return f[1:] }),
		"more":    change(func(f []tree.File) []tree.File { return append(f, tree.File{Path: "c", Mode: tree.Regular, Blob: "1"}) }),
		"swapped": change(func(f []tree.File) []tree.File { f[0].Blob, f[1].Blob = "2", "1"; return f }),
		"none":    treeKey(nil),
		"nothing": treeKey(base),
	}
	seen := map[string]string{}
	for what, key := range keys {
		if other, twice := seen[key]; twice {
			t.Errorf("%s and %s have the same key", what, other)
		}
		seen[key] = what
	}
	if change(func(f []tree.File) []tree.File { slices.Reverse(f); return f }) != keys["nothing"] {
		t.Error("the order of the files matters")
	}
	if diff := cmp.Diff("0f977c5e31019868", treeKey(base)[:16]); diff != "" {
		t.Errorf("the key of the same files has changed, so every app would be built again (-want +got)\n%s", diff)
	}
}

func FuzzTreeKey(f *testing.F) {
	f.Add("a", "1", "b", "2")
	f.Fuzz(func(t *testing.T, p1, b1, p2, b2 string) {
		if strings.ContainsAny(p1+p2+b1+b2, "\x00") || strings.ContainsAny(b1+b2, " ") || p1 == p2 {
			return // git has no such names and ids
		}
		x := []tree.File{{Path: p1, Mode: tree.Regular, Blob: b1}, {Path: p2, Mode: tree.Regular, Blob: b2}}
		y := []tree.File{{Path: p1, Mode: tree.Regular, Blob: b2}, {Path: p2, Mode: tree.Regular, Blob: b1}}
		if same := treeKey(x) == treeKey(y); same != (b1 == b2) {
			t.Errorf("files with swapped content: same key is %v", same)
		}
	})
}
