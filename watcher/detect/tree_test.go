package detect

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/watcher/specfile"
)

// memory is the content of a commit by name, and how often it was read. A file
// is its own ID.
type memory struct {
	files map[string]string
	reads int
}

func (m *memory) Read(name string, limit int64) ([]byte, error) {
	m.reads++
	data := m.files[name]
	if data == "unreadable" {
		return nil, errors.New("the disk is on fire")
	}
	return []byte(data[:min(int64(len(data)), limit)]), nil
}

func (m *memory) ID(name string) string { return m.files[name] }

// Links are the files with a content such as "-> target".
func (m *memory) Links() []string {
	var links []string
	for name, text := range m.files {
		if strings.HasPrefix(text, "-> ") {
			links = append(links, name)
		}
	}
	slices.Sort(links)
	return links
}

func (m *memory) Target(link string) (string, error) {
	return strings.TrimPrefix(m.files[link], "-> "), nil
}

// kinds are contents that tests name in short.
var kinds = map[string]string{
	"program": "package main\n\nfunc main() {}\n",
	"tools":   "//go:build tools\n\npackage main\n\nimport _ \"x/y\"\n",
	"ignored": "//go:build ignore\n\npackage main\n\nfunc main() {}\n",
	"tagged":  "//go:build shop\n\npackage main\n\nfunc main() {}\n",
	"nomain":  "package main\n\nvar x = 1\n",
	"broken":  "package main\n\nfunc main() {\n",
	"lib":     "package lib\n",
	"react":   `{"scripts": {"build": "react-scripts build"}, "dependencies": {"react": "^19"}}`,
	"express": `{"dependencies": {"express": "4", "a": "1", "b": "1", "c": "1"}}`,
	"plain":   `{"name": "site", "private": true, "scripts": {"test": "true"}}`,
	"nojson":  `{`,
}

// treeOf makes a tree of names, each with =kind or =text behind it. Without
// one, a main.go is a program, another Go file a library, and a go.mod that of
// a module named after its folder; a go.work=folder uses that one.
func treeOf(files string) *Tree {
	content := map[string]string{}
	for _, f := range strings.Fields(files) {
		name, kind, given := strings.Cut(f, "=")
		text, known := kinds[kind]
		switch base := path.Base(name); {
		case known:
		case base == "go.work" && kind != "unreadable":
			text = "go 1.26\n\nuse " + kind + "\n"
		case given:
			text = kind
		case base == "main.go":
			text = kinds["program"]
		case path.Ext(base) == ".go":
			text = kinds["lib"]
		case base == "go.mod":
			text = "module " + path.Join("example.com", path.Dir(name)) + "\n"
		}
		content[name] = text
	}
	return treeFrom(content)
}

func treeFrom(content map[string]string) *Tree {
	return NewTree(NewFiles(slices.Collect(maps.Keys(content))), &memory{files: content}, nil)
}

func TestFilesUnder(t *testing.T) {
	files := NewFiles([]string{"b/x", "a.txt", "a/z", "a-b/y", "a/b/c"})
	if diff := cmp.Diff(Files{"a/b/c", "a/z"}, files.Under("a")); diff != "" {
		t.Error(diff)
	}
	if got := files.Under("c"); len(got) != 0 {
		t.Errorf("Under(c) = %v", got)
	}
	if files.Has("a") || !files.Has("a/z") {
		t.Error("Has is wrong")
	}
}

func TestFilesIn(t *testing.T) {
	files := NewFiles([]string{"a", "b-c/x", "b/x", "b/y/1", "b/y/2/3", "b/z", "b.txt", "c/d/e"})
	for dir, want := range map[string][]string{
		".": {"a", "b.txt"}, "b": {"b/x", "b/z"}, "b/y": {"b/y/1"}, "c": nil, "none": nil,
	} {
		if diff := cmp.Diff(want, files.in(dir)); diff != "" {
			t.Errorf("in(%q) (-want +got)\n%s", dir, diff)
		}
	}
}

// TestMemoSavesReads: a second tree with the same files reads none of its Go
// files again, and one with another tag does.
func TestMemoSavesReads(t *testing.T) {
	memo := &Memo{}
	content := &memory{files: map[string]string{"go.mod": "module m\n", "a/main.go": kinds["tagged"], "b/main.go": kinds["program"]}}
	search := func(tags string) (found, reads int) {
		content.reads = 0
		programs, err := NewTree(NewFiles(slices.Collect(maps.Keys(content.files))), content, memo).programs(".", tags)
		if err != nil {
			t.Fatal(err)
		}
		return len(programs), content.reads
	}
	for _, c := range []struct {
		tags         string
		found, reads int
	}{{"", 1, 2}, {"", 1, 0}, {"shop", 2, 2}} {
		if found, reads := search(c.tags); found != c.found || reads != c.reads {
			t.Errorf("tags %q: found %d programs by %d reads, want %d by %d", c.tags, found, reads, c.found, c.reads)
		}
	}
}

// TestUnreadableIsNoFinding: a file that cannot be read is neither a mistake
// of the app's nor as if it were not there.
func TestUnreadableIsNoFinding(t *testing.T) {
	for _, files := range []string{
		"go.mod main.go=unreadable", "go.mod=unreadable main.go", "go.mod go.work=unreadable main.go", "index.html package.json=unreadable",
	} {
		_, err := Build(specfile.Build{With: specfile.TemplateAuto}, ".", treeOf(files))
		var key *KeyError
		var unfit *NoTemplateFitError
		if err == nil || errors.As(err, &key) || errors.As(err, &unfit) || !strings.Contains(err.Error(), "on fire") {
			t.Errorf("%s: error is %v", files, err)
		}
	}
}
