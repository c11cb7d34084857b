package main

import (
	"bufio"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"

	"github.com/headway-dev/headway/watcher/detect"
)

// goWatch are the folders of a repository outside p that the Go packages in p
// import, directly or not: packages of the module above p, and whole modules
// that a local replace or a workspace brings in.
func goWatch(files detect.Files, p string, read func(string) string) []string {
	modules := goModules(files, p, read)
	outside := map[string]bool{}
	seen := map[string]bool{}
	queue := []string{}
	for _, f := range files.Under(p) {
		if dir := path.Dir(f); !seen[dir] {
			seen[dir] = true
			queue = append(queue, dir)
		}
	}
	for len(queue) > 0 {
		dir := queue[0]
		queue = queue[1:]
		for _, imported := range imports(files, dir, read) {
			m, target := modules.resolve(imported)
			if target == "" || seen[target] || len(files.Under(target)) == 0 {
				continue
			}
			seen[target] = true
			queue = append(queue, target)
			watch := target
			if m.whole {
				watch = m.dir
			}
			if !inside(watch, p) {
				outside[watch] = true
			}
		}
	}
	return outermost(outside)
}

// goModule is a module of the repository.
type goModule struct {
	name, dir string
	// whole modules need their go.mod too, so all of them is watched.
	whole bool
}

type moduleList []goModule

// goModules are the module around p and those it can import locally.
func goModules(files detect.Files, p string, read func(string) string) moduleList {
	var modules moduleList
	dir := p
	for !files.Has(path.Join(dir, "go.mod")) {
		if dir == "." {
			return nil
		}
		dir = path.Dir(dir)
	}
	mod := read(path.Join(dir, "go.mod"))
	modules = append(modules, goModule{name: directive(mod, "module"), dir: dir})
	for _, line := range directives(mod, "replace") {
		left, right, ok := strings.Cut(line, "=>")
		target := strings.TrimSpace(right)
		if fields := strings.Fields(left); ok && len(fields) > 0 && strings.HasPrefix(target, ".") {
			modules = append(modules, goModule{name: fields[0], dir: path.Join(dir, target), whole: true})
		}
	}
	for work := dir; ; work = path.Dir(work) {
		if file := path.Join(work, "go.work"); files.Has(file) {
			for _, use := range directives(read(file), "use") {
				if used := path.Join(work, use); used != dir {
					name := directive(read(path.Join(used, "go.mod")), "module")
					modules = append(modules, goModule{name: name, dir: used, whole: true})
				}
			}
		}
		if work == "." {
			return modules
		}
	}
}

// resolve finds the folder of a package in the module with the longest name.
func (modules moduleList) resolve(imported string) (best goModule, dir string) {
	for _, m := range modules {
		if m.name == "" || len(m.name) <= len(best.name) {
			continue
		}
		if rest, ok := strings.CutPrefix(imported, m.name); ok && (rest == "" || rest[0] == '/') {
			best, dir = m, path.Join(m.dir, rest)
		}
	}
	return best, dir
}

// imports of the Go files in one folder, tests left out.
func imports(files detect.Files, dir string, read func(string) string) []string {
	var found []string
	for _, f := range files.Under(dir) {
		if path.Dir(f) != dir || !strings.HasSuffix(f, ".go") || strings.HasSuffix(f, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f, read(f), parser.ImportsOnly)
		if err != nil {
			continue // the build will say so better
		}
		for _, i := range parsed.Imports {
			found = append(found, strings.Trim(i.Path.Value, `"`))
		}
	}
	return found
}

// directive is the single value of a keyword in a go.mod.
func directive(file, keyword string) string {
	if all := directives(file, keyword); len(all) > 0 {
		return strings.Trim(all[0], `"`)
	}
	return ""
}

// directives are the values of a keyword in a go.mod or go.work, on lines of
// their own or in a block.
func directives(file, keyword string) []string {
	var found []string
	inBlock := false
	lines := bufio.NewScanner(strings.NewReader(file))
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "//")
		line = strings.TrimSpace(line)
		rest, ok := strings.CutPrefix(line, keyword)
		switch {
		case inBlock && line == ")":
			inBlock = false
		case inBlock && line != "":
			found = append(found, line)
		case ok && strings.TrimSpace(rest) == "(":
			inBlock = true
		case ok && rest != "" && (rest[0] == ' ' || rest[0] == '\t'):
			found = append(found, strings.TrimSpace(rest))
		}
	}
	return found
}

func inside(p, dir string) bool {
	return dir == "." || p == dir || strings.HasPrefix(p, dir+"/")
}

// outermost are the folders that are in no other, sorted.
func outermost(dirs map[string]bool) []string {
	var out []string
	for dir := range dirs {
		covered := false
		for other := range dirs {
			covered = covered || other != dir && inside(dir, other)
		}
		if !covered {
			out = append(out, dir)
		}
	}
	slices.Sort(out)
	return out
}
