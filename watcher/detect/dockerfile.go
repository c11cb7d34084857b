package detect

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headway-dev/headway/watcher/specfile"
)

// dockerBuild is what a Dockerfile's build is made of, relative to the
// repository's root.
type dockerBuild struct{ file, context string }

// dockerBuild finds the Dockerfile and its context. Both arguments count from
// the app's folder p, and neither leads out of the repository.
func (t *Tree) dockerBuild(p string, args map[string]string) (dockerBuild, error) {
	const fileKey, contextKey = "build.args.dockerfile", "build.args.context"
	name := args["dockerfile"]
	if name == "" {
		name = "Dockerfile"
	}
	b := dockerBuild{path.Join(p, name), path.Join(p, args["context"])}
	switch {
	case leaves(p, args["context"]):
		return b, &KeyError{contextKey, fmt.Sprintf("%q is not a folder of the repository; write the folder that COPY counts from, relative to path, such as ..", args["context"])}
	case leaves(p, name):
		return b, &KeyError{fileKey, fmt.Sprintf("%q is not a file of the repository; write the Dockerfile, relative to path", name)}
	case len(t.Under(b.context)) == 0 && !t.Has(b.context): // a link may lead to a folder
		return b, &KeyError{contextKey, fmt.Sprintf("there is no %s with files in this commit; set it to the folder that COPY counts from, relative to path", folder(b.context))}
	case t.Has(b.file):
		return b, nil
	}
	message := fmt.Sprintf("there is no %s in this commit; set it to the Dockerfile, relative to path", b.file)
	if other := path.Join(b.context, name); other != b.file && t.Has(other) {
		message = fmt.Sprintf("there is no %s in this commit; it counts from path, not from the context: write %s", b.file, relative(p, other))
	}
	return b, &KeyError{fileKey, message}
}

// leaves reports whether a name, counted from folder p, lies outside the
// repository.
func leaves(p, name string) bool {
	at := path.Join(p, name)
	return path.IsAbs(name) || at == ".." || strings.HasPrefix(at, "../")
}

// relative is a name as it is written in a headway.yaml whose path is p.
func relative(p, name string) string {
	rel, err := filepath.Rel(filepath.FromSlash(p), filepath.FromSlash(name))
	if err != nil { // both are relative to the root
		return name
	}
	return filepath.ToSlash(rel)
}

// neededByDocker are the files that BuildKit reads for itself.
func (t *Tree) neededByDocker(p string, args map[string]string) (needs, error) {
	b, err := t.dockerBuild(p, args)
	n := needs{files: map[string]bool{}}
	for _, name := range []string{b.file, b.file + ".dockerignore", path.Join(b.context, ".dockerignore")} {
		if !inside(name, p) && t.Has(name) && !n.files[name] {
			n.files[name] = true
			n.names = append(n.names, name)
		}
	}
	slices.Sort(n.names)
	return n, err
}

// checkCopies refuses a Dockerfile that copies what is in the repository and
// not in the build: BuildKit would say that it does not exist.
func (t *Tree) checkCopies(app *App) error {
	if app.Build == nil || app.Build.Template != Dockerfile {
		return nil
	}
	p := app.Sources.folder
	b, err := t.dockerBuild(p, app.Build.Args)
	if err != nil {
		return err
	}
	content, err := t.read(b.file)
	if err != nil {
		return err
	}
	for _, c := range copiesOf(content, app.Build.Args["target"]) {
		// As BuildKit does it: .. does not lead out of the context.
		name := path.Join(b.context, path.Clean("/"+c.source))
		there := t.copiedFiles(name)
		if slices.ContainsFunc(there, app.Sources.Has) {
			continue
		}
		if len(there) > 0 && path.Base(name) == specfile.FileName {
			return &KeyError{"build", fmt.Sprintf("%s:%d copies %s, which no build gets, so that a change of how an app runs builds nothing; take it out of the Dockerfile", b.file, c.line, name)}
		}
		if len(there) > 0 {
			return &KeyError{"watch", fmt.Sprintf("%s:%d copies %s, which is not among the app's files; add it, as in watch: [%s]", b.file, c.line, name, name)}
		}
		for _, meant := range []string{path.Join(b.context, c.source), path.Clean(c.source)} {
			if !leaves(".", meant) && !inside(meant, b.context) && len(t.copiedFiles(meant)) > 0 {
				return outsideContext(b, c, p, meant)
			}
		}
	}
	return nil
}

// outsideContext says how to copy what is in the repository, but not in the
// build context.
func outsideContext(b dockerBuild, c copied, p, meant string) error {
	root := relative(p, ".")
	return &KeyError{"build", fmt.Sprintf("%s:%d copies %s, which is outside the build context (%s); write %s and watch: [%s], and let COPY count from the repository's root",
		b.file, c.line, meant, folder(b.context), lineFor(Dockerfile, "context", root), meant)}
}

// copiedFiles are the files of the repository that a source of COPY stands for.
func (t *Tree) copiedFiles(name string) []string {
	if t.Has(name) {
		return []string{name}
	}
	wildcard := strings.IndexAny(name, "*?[")
	if wildcard < 0 {
		return t.Under(name)
	}
	depth := strings.Count(name, "/") + 1
	var found []string
	for _, file := range t.Under(path.Dir(name[:wildcard] + "x")) {
		parts := strings.SplitN(file, "/", depth+1)
		if ok, err := path.Match(name, path.Join(parts[:min(depth, len(parts))]...)); err == nil && ok {
			found = append(found, file)
		}
	}
	return found
}
