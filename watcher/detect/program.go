package detect

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/headway-dev/headway/watcher/specfile"
)

// maxSearched is how many Go files are read in the search for a program. Most
// folders take one.
const maxSearched = 5_000

// program is a folder with a main package and its func main.
type program struct {
	// dir is the folder, relative to that of the app.
	dir string
	// module is the folder of its module, relative to the repository's root;
	// empty when there is no go.mod.
	module string
}

// arg is what build.args.main says to build the program.
func (p program) arg() string {
	if p.dir == "." {
		return p.dir
	}
	return "./" + p.dir
}

// helperFolders hold by convention programs that help with the work on a
// repository.
var helperFolders = []string{"contrib", "docs", "example", "examples", "hack", "script", "scripts", "test", "tests", "tool", "tools"}

// helper reports whether the program lies in such a folder.
func (p program) helper() bool {
	return !p.command() && slices.ContainsFunc(strings.Split(p.dir, "/"), func(s string) bool { return slices.Contains(helperFolders, s) })
}

// command reports whether the program is where Go programs usually are.
func (p program) command() bool {
	return p.dir == "." || p.dir == "cmd" || path.Dir(p.dir) == "cmd"
}

// programs are the Go programs of the app in folder p, nearest first. One in p
// itself is the app, as it is for go build, and the only one returned.
// Otherwise those of helperFolders count only where there are no others.
func (t *Tree) programs(p, tags string) ([]program, error) {
	folders := t.goFolders(p)
	budget := maxSearched
	var found, helpers []program
	for _, f := range folders {
		is, err := t.isProgram(f.files, tags, &budget)
		if err != nil {
			return nil, err
		}
		if !is {
			continue
		}
		at := program{f.dir, above(path.Join(p, f.dir), "go.mod", t.Files)}
		switch {
		case f.dir == ".":
			return []program{at}, nil
		case at.helper():
			helpers = append(helpers, at)
		default:
			found = append(found, at)
		}
	}
	if len(found) == 0 {
		return helpers, nil
	}
	return found, nil
}

// isProgram reports whether the Go files of a folder are a program. Of a package
// with another name one file is read.
func (t *Tree) isProgram(files []string, tags string, budget *int) (bool, error) {
	for _, name := range files {
		if *budget--; *budget < 0 {
			return false, &KeyError{"build", "there are too many Go files to look for the program in them; name it, such as build: {with: go, args: {main: ./server}}"}
		}
		f, err := t.goFile(name, tags)
		if err != nil {
			return false, err
		}
		if f.program {
			return true, nil
		}
		if f.pkg != "" && f.pkg != "main" {
			return false, nil
		}
	}
	return false, nil
}

// goFolder is a folder that holds Go files.
type goFolder struct {
	// dir is relative to the app's folder, files to the repository's root.
	dir   string
	files []string
}

// goFolders are the folders of the app in folder p that the Go command would
// look into, the nearest first. Folders with a headway.yaml of their own are
// other apps.
func (t *Tree) goFolders(p string) []goFolder {
	byDir := map[string]int{}
	var folders []goFolder
	others := map[string]bool{}
	for _, name := range t.Under(p) {
		rest := name
		if p != "." {
			rest = strings.TrimPrefix(name, p+"/")
		}
		dir := path.Dir(rest)
		if path.Base(rest) == specfile.FileName && dir != "." {
			others[dir] = true
		}
		if !isGo(rest) || passedOver(dir) {
			continue
		}
		i, known := byDir[dir]
		if !known {
			i = len(folders)
			byDir[dir] = i
			folders = append(folders, goFolder{dir: dir})
		}
		folders[i].files = append(folders[i].files, name)
	}
	folders = slices.DeleteFunc(folders, func(f goFolder) bool { return within(f.dir, others) })
	slices.SortStableFunc(folders, func(a, b goFolder) int { return cmp.Compare(depth(a.dir), depth(b.dir)) })
	return folders
}

// within reports whether a folder or one above it is in the set.
func within(dir string, set map[string]bool) bool {
	for ; dir != "."; dir = path.Dir(dir) {
		if set[dir] {
			return true
		}
	}
	return false
}

func depth(dir string) int {
	if dir == "." {
		return 0
	}
	return 1 + strings.Count(dir, "/")
}

// passedOver tells the folders that the Go command does not look into.
func passedOver(dir string) bool {
	if dir == "." {
		return false
	}
	return slices.ContainsFunc(strings.Split(dir, "/"), func(s string) bool {
		return s == "vendor" || s == "testdata" || s == "node_modules" || s[0] == '.' || s[0] == '_'
	})
}

// Mains are the values of build.args.main that fit the app in folder p, the
// nearest first.
func Mains(p string, t *Tree) ([]string, error) {
	modules, err := t.goModules(p, p)
	if err != nil {
		return nil, err
	}
	programs, err := t.programs(p, "")
	if err != nil {
		return nil, err
	}
	var mains []string
	for _, at := range programs {
		if modules.build(at) {
			mains = append(mains, at.arg())
		}
	}
	return mains, nil
}
