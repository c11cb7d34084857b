package detect

import (
	"path"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// maxFollowed is how many Go files are read to find what a program imports.
const maxFollowed = 20_000

// needs are what a build takes from the repository outside the folder of its
// app, without being told in watch.
type needs struct {
	// names says it in few words. Sorted.
	names   []string
	files   map[string]bool
	folders []string
}

func (n *needs) has(name string) bool {
	return n.files[name] || slices.ContainsFunc(n.folders, func(dir string) bool { return strings.HasPrefix(name, dir+"/") })
}

// neededBy finds what a build of the app in folder p needs. For go these are
// the packages that its main package imports, directly or not, wherever in the
// repository they are; the module and workspace files; the vendored packages.
// For dockerfile, the Dockerfile and the lists of what a context leaves out.
// Other templates need nothing.
func neededBy(b *v1alpha1.Build, p string, t *Tree) (needs, error) {
	switch {
	case b != nil && b.Template == Dockerfile:
		return t.neededByDocker(p, b.Args)
	case b == nil || b.Template != Go:
		return needs{}, nil
	}
	f, err := follow(b, p, t)
	if err != nil {
		return needs{}, err
	}
	for _, name := range f.modules.files {
		f.add(name, name)
	}
	found := f.needs
	if vendor := f.modules.vendor; vendor != "" && !inside(vendor, p) {
		found.names = append(found.names, vendor)
		found.folders = append(found.folders, vendor)
	}
	slices.Sort(found.names)
	found.names = slices.Compact(found.names)
	return found, nil
}

// ProgramFiles are the Go files of the repository that the program of a Go app
// is made of, those of its main package first.
func ProgramFiles(b *v1alpha1.Build, p string, t *Tree) ([]string, error) {
	f, err := follow(b, p, t)
	return f.program, err
}

// follower walks from a package to all it imports.
type follower struct {
	tree    *Tree
	path    string
	tags    string
	modules *goModules
	needs   needs
	// program are the Go files met so far, seen the folders.
	program []string
	seen    map[string]bool
}

// follow walks from the main package of a Go app.
func follow(b *v1alpha1.Build, p string, t *Tree) (*follower, error) {
	main := path.Join(p, b.Args["main"])
	modules, err := t.goModules(p, main)
	f := &follower{tree: t, path: p, tags: b.Args["tags"], modules: &modules,
		needs: needs{files: map[string]bool{}}, seen: map[string]bool{main: true}}
	if err != nil {
		return f, err
	}
	for queue := []string{main}; len(queue) > 0; queue = queue[1:] {
		imported, err := f.readPackage(queue[0])
		if err != nil {
			return f, err
		}
		for _, name := range imported {
			dir, ok := f.modules.resolve(name, f.tree.Files)
			if ok && !f.seen[dir] {
				f.seen[dir] = true
				queue = append(queue, dir)
			}
		}
	}
	return f, nil
}

// readPackage takes note of the files of one package, and returns what it
// imports.
func (f *follower) readPackage(dir string) (imports []string, err error) {
	var embeds []string
	cgo := false
	for _, name := range f.tree.in(dir) {
		if !isGo(name) {
			if compiled(name) {
				f.add(dir, name)
			}
			continue
		}
		if len(f.program) == maxFollowed {
			return nil, &KeyError{"build", "the program imports so many packages of this repository that they cannot all be looked at; list the folders it needs in watch"}
		}
		f.program = append(f.program, name)
		f.add(dir, name)
		file, err := f.tree.goFile(name, f.tags)
		if err != nil {
			return nil, err
		}
		imports, embeds = append(imports, file.imports...), append(embeds, file.embeds...)
		cgo = cgo || slices.Contains(file.imports, "C")
	}
	if inside(dir, f.path) || !cgo && len(embeds) == 0 {
		return imports, nil
	}
	// Embedded files may be in folders below, and so may what C files include.
	for _, name := range f.tree.Under(dir) {
		rest := strings.TrimPrefix(name, dir+"/")
		if cgo || slices.ContainsFunc(embeds, func(pattern string) bool { return embedded(pattern, rest) }) {
			f.add(dir, name)
		}
	}
	return imports, nil
}

// add takes note of a file that is needed, if it is outside the app's folder;
// label stands for it.
func (f *follower) add(label, name string) {
	if inside(name, f.path) || f.needs.files[name] {
		return
	}
	f.needs.files[name] = true
	f.needs.names = append(f.needs.names, label)
}

// embedded reports whether a //go:embed pattern takes the file, by its own name
// or that of a folder that it is in.
func embedded(pattern, name string) bool {
	for ; name != "."; name = path.Dir(name) {
		if ok, err := path.Match(pattern, name); err == nil && ok {
			return true
		}
	}
	return false
}

// compiled tells the files beside Go files that the Go command compiles or
// links with them.
func compiled(name string) bool {
	switch path.Ext(name) {
	case ".c", ".cc", ".cpp", ".cxx", ".m", ".h", ".hh", ".hpp", ".hxx", ".f", ".F", ".for", ".f90", ".s", ".S", ".sx", ".swig", ".swigcxx", ".syso":
		return true
	}
	return false
}

// inside reports whether a path is a folder or lies in it.
func inside(name, dir string) bool {
	return dir == "." || name == dir || strings.HasPrefix(name, dir+"/")
}
