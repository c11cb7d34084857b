package detect

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// goFile is what one Go source file says about the build it belongs to.
type goFile struct {
	// pkg is the name of its package; empty for a file that no build for Linux
	// compiles, such as one with //go:build ignore.
	pkg string
	// program tells that it has the main function of a program.
	program bool
	// imports are import paths, "C" among them.
	imports []string
	// embeds are the patterns of its //go:embed lines.
	embeds []string
}

// goFile reads a Go file. tags are the build tags that are set, separated by
// commas.
func (t *Tree) goFile(name, tags string) (goFile, error) {
	key := memoKey{path.Base(name), t.content.ID(name), tags}
	if f, ok := t.memo.files[key]; ok {
		return f, nil
	}
	data, err := t.read(name)
	if err != nil {
		return goFile{}, err
	}
	f := parseGo(key.name, tags, data)
	t.memo.put(key, f)
	return f, nil
}

// parseGo takes from a file what it can. One that is broken is left for the
// compiler to complain about.
func parseGo(name, tags string, data []byte) goFile {
	if !mayCompile(name, tags, data) {
		return goFile{}
	}
	parsed, _ := parser.ParseFile(token.NewFileSet(), name, data, parser.ImportsOnly|parser.SkipObjectResolution)
	if parsed == nil || parsed.Name == nil {
		return goFile{}
	}
	f := goFile{pkg: parsed.Name.Name}
	embedding := false
	for _, i := range parsed.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			continue
		}
		f.imports = append(f.imports, imported)
		embedding = embedding || imported == "embed"
	}
	if embedding {
		f.embeds = embedPatterns(data)
	}
	f.program = f.pkg == "main" && declaresMain(name, data)
	return f
}

// mayCompile reports whether a build for Linux compiles the file. Which
// processor it is for, and whether with C, is not known here, so that a file
// counts if it is for any.
func mayCompile(name, tags string, data []byte) bool {
	for _, arch := range []string{"amd64", "arm64"} {
		for _, cgo := range []bool{true, false} {
			c := build.Default
			c.GOOS, c.GOARCH, c.CgoEnabled = "linux", arch, cgo
			c.BuildTags = splitTags(tags)
			c.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
			if ok, err := c.MatchFile(".", name); err == nil && ok {
				return true
			}
		}
	}
	return false
}

func splitTags(tags string) []string {
	return strings.FieldsFunc(tags, func(r rune) bool { return r == ',' || r == ' ' })
}

// declaresMain reports whether the file declares func main.
func declaresMain(name string, data []byte) bool {
	parsed, _ := parser.ParseFile(token.NewFileSet(), name, data, parser.SkipObjectResolution)
	if parsed == nil {
		return false
	}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "main" {
			return true
		}
	}
	return false
}

var embedLine = regexp.MustCompile(`(?m)^[ \t]*//go:embed[ \t]+(.+?)\r?$`)

// embedPatterns are the patterns of all //go:embed lines, without "all:".
func embedPatterns(data []byte) []string {
	var patterns []string
	for _, line := range embedLine.FindAllSubmatch(data, -1) {
		for rest := strings.TrimSpace(string(line[1])); rest != ""; rest = strings.TrimSpace(rest) {
			pattern, size := rest, len(rest)
			if quoted, err := strconv.QuotedPrefix(rest); err == nil {
				size = len(quoted)
				pattern, _ = strconv.Unquote(quoted)
			} else if end := strings.IndexAny(rest, " \t"); end > 0 {
				pattern, size = rest[:end], end
			}
			patterns = append(patterns, strings.TrimPrefix(pattern, "all:"))
			rest = rest[size:]
		}
	}
	return patterns
}

// isGo tells a Go file that can be part of a program by its name.
func isGo(name string) bool {
	return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}
