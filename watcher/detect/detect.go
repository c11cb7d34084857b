// Package detect finds out from the files of a commit what builds an app: the
// template behind "auto", the main package of a Go app, and the files outside
// the app's folder that its build depends on.
//
// It decides by what the files say, and refuses with the line to write where
// they do not tell: what it has found is never a guess. It reads few of them:
// package clauses until the program is found, then what that imports. It is
// pure but for the Content it is given.
package detect

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/specfile"
)

// Templates that come with Headway and that auto chooses from, in this order.
const (
	Dockerfile = "dockerfile"
	Go         = "go"
	Static     = "static"
)

// Build resolves what a headway.yaml says of its build against the files of
// the commit. p is the app's folder. The error is a *NoTemplateFitError when
// auto finds nothing, a *KeyError when a value in headway.yaml has to be
// changed, and another one when a file cannot be read.
func Build(b specfile.Build, p string, t *Tree) (*v1alpha1.Build, error) {
	if len(t.Under(p)) == 0 {
		return nil, nothingIn(p)
	}
	out := &v1alpha1.Build{Template: b.With, Args: maps.Clone(b.Args)}
	var err error
	if b.With == specfile.TemplateAuto {
		if out.Template, err = t.auto(p, b.Args); err != nil {
			return nil, err
		}
	}
	switch out.Template {
	case Go:
		if err = t.resolveMain(p, out); err == nil {
			err = t.checkBeside(p, out.Args["files"])
		}
	case Static:
		err = t.resolveDir(p, out)
	case Dockerfile:
		_, err = t.dockerBuild(p, out.Args)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// auto is the template for a folder.
//
//	in the folder                            template
//	a Dockerfile                             dockerfile
//	an argument of one template              that one
//	a Go program in it, in cmd or cmd/*      go
//	one elsewhere, no index.html in it       go
//	one elsewhere, and an index.html in it   refused: it may be either
//	a site, and a program of another kind    refused: the program would be missing
//	a site                                   static
func (t *Tree) auto(p string, args map[string]string) (string, error) {
	switch {
	case t.Has(path.Join(p, "Dockerfile")):
		return Dockerfile, nil
	case args["main"] != "":
		return Go, nil
	case args["dir"] != "", args["fallback"] != "":
		return Static, nil
	case args["dockerfile"] != "":
		return Dockerfile, nil
	}
	programs, err := t.programs(p, args["tags"])
	if err != nil {
		return "", err
	}
	site := StaticDir(p, t.Files)
	if len(programs) > 0 {
		switch {
		case site == "", slices.ContainsFunc(programs, program.command):
			return Go, nil
		case !programs[0].helper() && site != ".":
			return Go, nil
		case !programs[0].helper():
			return "", &KeyError{"build", fmt.Sprintf("%s has an index.html and a Go program in %s; choose one with %s or %s", folder(p),
				list(programs), lineFor(Static, "dir", site), lineFor(Go, "main", programs[0].arg()))}
		}
	}
	other, err := t.otherProgram(p)
	switch {
	case err != nil:
		return "", err
	case site != "" && other != "":
		return "", siteWithProgram(p, site, other)
	case site != "":
		return Static, nil
	case other == "" && t.inModule(p) && slices.ContainsFunc(t.Under(p), isGo):
		return Go, nil
	}
	return "", &NoTemplateFitError{Path: p, Found: other}
}

func (t *Tree) inModule(p string) bool {
	return above(p, "go.mod", t.Files) != "" || above(p, "go.work", t.Files) != ""
}

// resolveMain fills in the main package of a Go app, or checks the one given.
func (t *Tree) resolveMain(p string, b *v1alpha1.Build) error {
	modules, err := t.goModules(p, p)
	if err != nil {
		return err
	}
	if main := b.Args["main"]; main != "" {
		at, err := t.givenMain(p, main, b.Args["tags"])
		if err == nil && !modules.build(at) {
			err = notInModule("build.args.main", p, at, &modules)
		}
		return err
	}
	programs, err := t.programs(p, b.Args["tags"])
	if err != nil {
		return err
	}
	buildable := slices.DeleteFunc(slices.Clone(programs), func(at program) bool { return !modules.build(at) })
	switch {
	case len(buildable) > 1:
		return severalMains(p, buildable)
	case len(buildable) == 0 && len(programs) > 0:
		return notInModule("build", p, programs[0], &modules)
	case len(buildable) == 0:
		return noMain(p)
	}
	setArg(b, "main", buildable[0].arg())
	return nil
}

func setArg(b *v1alpha1.Build, name, value string) {
	if b.Args == nil {
		b.Args = map[string]string{}
	}
	b.Args[name] = value
}

// build reports whether the Go command builds the program where these modules
// are in force.
func (m *goModules) build(at program) bool {
	if m.work != "" {
		return m.has(at.module)
	}
	return at.module != "" && at.module == m.dir
}

// givenMain checks the value of build.args.main.
func (t *Tree) givenMain(p, main, tags string) (program, error) {
	const key = "build.args.main"
	dir := path.Clean(main)
	name := path.Join(p, dir)
	switch {
	case path.IsAbs(main), dir == "..", strings.HasPrefix(dir, "../"):
		return program{}, &KeyError{key, fmt.Sprintf("%q is not below path; write the folder of the main package relative to path, such as ./cmd/server", main)}
	case strings.HasSuffix(dir, ".go") && t.Has(name):
		return program{}, &KeyError{key, fmt.Sprintf("%q is a file; write the folder that it is in: %s", main, program{dir: path.Dir(dir)}.arg())}
	}
	files := slices.DeleteFunc(t.in(name), func(f string) bool { return !isGo(f) })
	budget := maxSearched
	is, err := t.isProgram(files, tags, &budget)
	if err != nil || is {
		return program{dir, above(name, "go.mod", t.Files)}, err
	}
	message := fmt.Sprintf("there is no main package with a func main in %s", folder(name))
	if len(files) == 0 {
		message = fmt.Sprintf("there are no Go files in %s", folder(name))
	}
	programs, err := t.programs(p, tags)
	if err == nil && len(programs) > 0 {
		message += "; main packages here: " + list(programs)
	}
	return program{}, &KeyError{key, message}
}

// checkBeside checks the value of build.args.files: what lies beside a Go
// program when it runs.
func (t *Tree) checkBeside(p, list string) error {
	for name := range strings.SplitSeq(list, ",") {
		name = path.Clean(strings.TrimSpace(name))
		if name == "." { // an empty element, which the build passes over
			continue
		}
		if at := path.Join(p, name); !t.Has(at) && len(t.Under(at)) == 0 {
			return &KeyError{"build.args.files", fmt.Sprintf("there is no file or folder %s in this commit; write names relative to path, separated by commas", at)}
		}
	}
	return nil
}

// above is the nearest folder, from p up to the root, that holds name; "" when
// none does.
func above(p, name string, files Files) string {
	for {
		if files.Has(path.Join(p, name)) {
			return p
		}
		if p == "." {
			return ""
		}
		p = path.Dir(p)
	}
}
