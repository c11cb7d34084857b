package detect

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// public is the folder that a site is usually in, beside its source.
const public = "public"

// StaticDir is the folder, relative to p, that a static site is served from:
// "public" or ".", or "" when neither holds an index.html.
func StaticDir(p string, files Files) string {
	for _, dir := range []string{public, "."} {
		if files.Has(path.Join(p, dir, "index.html")) {
			return dir
		}
	}
	return ""
}

// resolveDir fills in the folder of a static site, or checks the one given.
// Without one the template publishes the app's folder, without what a repository
// holds beside its site.
func (t *Tree) resolveDir(p string, b *v1alpha1.Build) error {
	dir := b.Args["dir"]
	if dir == "" && StaticDir(p, t.Files) == public {
		setArg(b, "dir", public)
		return nil
	}
	name := path.Join(p, dir)
	if dir == "" || len(t.Under(name)) > 0 || t.Has(name) { // a link may lead to a folder
		return nil
	}
	return &KeyError{"build.args.dir", fmt.Sprintf("there is no %s with files in this commit; set it to the folder to publish, relative to path. A folder that a build makes has to be committed, or made by a Dockerfile", folder(name))}
}

// builders are files that say that a folder holds a program, or the source of
// a site, that no template of Headway builds.
var builders = []struct{ file, what string }{
	{"requirements.txt", "a Python program"},
	{"pyproject.toml", "a Python program"},
	{"Pipfile", "a Python program"},
	{"manage.py", "a Python program"},
	{"Gemfile", "a Ruby program"},
	{"composer.json", "a PHP program"},
	{"index.php", "a PHP program"},
	{"Cargo.toml", "a Rust program"},
	{"pom.xml", "a Java program"},
	{"build.gradle", "a Java program"},
	{"build.gradle.kts", "a Java program"},
	{"mix.exs", "an Elixir program"},
	{"deno.json", "a Deno program"},
	{"_config.yml", "the source of a Jekyll site"},
	{"hugo.toml", "the source of a Hugo site"},
	{"mkdocs.yml", "the source of an MkDocs site"},
}

// otherProgram says in words what besides Go has to be built or run in a
// folder; empty when there is nothing.
func (t *Tree) otherProgram(p string) (string, error) {
	if name := path.Join(p, "package.json"); t.Has(name) {
		data, err := t.read(name)
		if err != nil {
			return "", err
		}
		if why := tooling(data); why != "" {
			return "a package.json " + why, nil
		}
	}
	for _, b := range builders {
		if t.Has(path.Join(p, b.file)) {
			return fmt.Sprintf("%s (%s)", b.what, b.file), nil
		}
	}
	return "", nil
}

// tooling says what a package.json asks to be built or installed; empty for
// one that only describes, such as for a formatter's settings.
func tooling(data []byte) string {
	var parsed struct {
		Scripts         map[string]string `json:"scripts"`
		Dependencies    map[string]any    `json:"dependencies"`
		DevDependencies map[string]any    `json:"devDependencies"`
	}
	if err := json.Unmarshal(data, &parsed); err != nil {
		return "that is not valid JSON"
	}
	if build := parsed.Scripts["build"]; build != "" {
		return fmt.Sprintf("with a build script (%s)", build)
	}
	names := slices.Concat(slices.Sorted(maps.Keys(parsed.Dependencies)), slices.Sorted(maps.Keys(parsed.DevDependencies)))
	if len(names) == 0 {
		return ""
	}
	const most = 3
	if len(names) > most {
		names = append(names[:most], "…")
	}
	return fmt.Sprintf("with dependencies (%s)", strings.Join(names, ", "))
}

// siteWithProgram says that a site would be served without its program.
func siteWithProgram(p, site, other string) error {
	return &KeyError{"build", fmt.Sprintf("found %s beside %s, and nothing that builds or runs it, so that the site would come without its program. "+
		"Publish the folder that a build has made, committed, with %s; or build it in a Dockerfile; or, if the files are complete as they are, write %s",
		other, path.Join(p, site, "index.html"), lineFor(Static, "dir", "dist"), lineFor(Static, "dir", site))}
}
