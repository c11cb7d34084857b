package detect

import (
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// goModule is a module of the repository that a build takes packages from.
type goModule struct {
	// path is the import path, dir the folder.
	path, dir string
}

// goModules are the modules of the repository that the packages in a folder
// can import.
type goModules struct {
	// dir is the folder of the module that is built; empty when there is none.
	dir string
	// work is the folder of the go.work that is in force; empty when none is.
	work    string
	modules []goModule
	// files decide together with the sources what a build makes: go.mod,
	// go.sum, go.work, go.work.sum.
	files []string
	// vendor is the folder of the vendored packages; empty when there is none.
	vendor string
}

// goModules reads the go.mod and go.work files around a package in folder dir,
// of the app in folder p. The Go command runs in p, so that the go.work above
// p is in force.
func (t *Tree) goModules(p, dir string) (goModules, error) {
	m := goModules{dir: above(dir, "go.mod", t.Files), work: above(p, "go.work", t.Files)}
	root := m.dir
	if m.work != "" {
		root = m.work
	}
	if root == "" {
		return m, nil
	}
	if vendor := path.Join(root, "vendor"); t.Has(path.Join(vendor, "modules.txt")) {
		m.vendor = vendor
	}
	if m.work != "" {
		return m, t.readWork(&m)
	}
	replaces, err := t.readModule(&m, m.dir)
	if err != nil || m.vendor != "" { // what is replaced is vendored too
		return m, err
	}
	return m, t.readReplaced(&m, m.dir, replaces)
}

// has reports whether a folder is that of one of the modules.
func (m *goModules) has(dir string) bool {
	return slices.ContainsFunc(m.modules, func(x goModule) bool { return x.dir == dir })
}

// readWork adds the modules of the workspace. The lines of a file that is
// broken are left for the build to complain about.
func (t *Tree) readWork(m *goModules) error {
	name := path.Join(m.work, "go.work")
	data, err := t.read(name)
	if err != nil {
		return err
	}
	m.add(t.Files, name, path.Join(m.work, "go.work.sum"))
	work, err := modfile.ParseWork(name, data, nil)
	if err != nil {
		return nil
	}
	type replaced struct {
		dir   string
		lines []*modfile.Replace
	}
	all := []replaced{{m.work, work.Replace}}
	for _, use := range work.Use {
		dir, ok := local(m.work, use.Path)
		if !ok {
			continue
		}
		lines, err := t.readModule(m, dir)
		if err != nil {
			return err
		}
		all = append(all, replaced{dir, lines})
	}
	for _, r := range all {
		if err := t.readReplaced(m, r.dir, r.lines); err != nil {
			return err
		}
	}
	return nil
}

// readModule adds the module in a folder, if there is one, and returns its
// replace lines.
func (t *Tree) readModule(m *goModules, dir string) ([]*modfile.Replace, error) {
	name := path.Join(dir, "go.mod")
	data, err := t.read(name)
	if err != nil || len(data) == 0 || m.has(dir) {
		return nil, err
	}
	m.add(t.Files, name, path.Join(dir, "go.sum"))
	m.modules = append(m.modules, goModule{modfile.ModulePath(data), dir})
	mod, err := modfile.Parse(name, data, nil)
	if err != nil {
		return nil, nil
	}
	return mod.Replace, nil
}

// readReplaced adds the local modules that replace lines of a file in dir name,
// under the paths that they take the place of.
func (t *Tree) readReplaced(m *goModules, dir string, lines []*modfile.Replace) error {
	for _, r := range lines {
		target, ok := local(dir, r.New.Path)
		if r.New.Version != "" || !ok || m.has(target) {
			continue
		}
		if _, err := t.readModule(m, target); err != nil {
			return err
		}
		if m.has(target) {
			m.modules[len(m.modules)-1].path = r.Old.Path
		}
	}
	return nil
}

func (m *goModules) add(files Files, names ...string) {
	for _, name := range names {
		if files.Has(name) && !slices.Contains(m.files, name) {
			m.files = append(m.files, name)
		}
	}
}

// resolve finds the folder of an imported package: that of the module with the
// longest path. A package of another module, or of none here, has none.
func (m *goModules) resolve(imported string, files Files) (dir string, ok bool) {
	best := -1
	for _, module := range m.modules {
		rest, found := strings.CutPrefix(imported, module.path)
		if found && (rest == "" || rest[0] == '/') && len(module.path) > best {
			best, dir = len(module.path), path.Join(module.dir, rest)
			ok = above(dir, "go.mod", files) == module.dir
		}
	}
	return dir, ok
}

// local is a folder relative to the repository's root that a go.mod or go.work
// in dir names; false for one outside the repository.
func local(dir, name string) (string, bool) {
	if path.IsAbs(name) {
		return "", false
	}
	target := path.Join(dir, name)
	return target, target != ".." && !strings.HasPrefix(target, "../")
}
