// Package detect finds out from the names of an app's files what builds it:
// the template behind "auto", the main package of a Go app, and the files
// outside the app's folder that its build depends on.
//
// It is pure and looks at names only, so that the watcher can ask it about a
// commit without reading a single file of it.
package detect

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/spec"
)

// Templates that come with Headway and that auto chooses from, in this order.
const (
	Dockerfile = "dockerfile"
	Go         = "go"
	Static     = "static"
)

// NoTemplateFitError says that auto found nothing it knows how to build.
type NoTemplateFitError struct {
	// Path of the app in the repository.
	Path string
}

func (e *NoTemplateFitError) Error() string {
	return fmt.Sprintf("no build template fits %s: looked for a Dockerfile, for Go files with a go.mod beside or above them, and for index.html or public/index.html; add one of them, set path to the folder that has it, or name a template in build.with", folder(e.Path))
}

// KeyError says that a value in headway.yaml does not fit the commit's files.
type KeyError struct {
	// Key is the dotted path of the key to change.
	Key string
	// Message says what to write.
	Message string
}

func (e *KeyError) Error() string { return e.Key + ": " + e.Message }

// Build resolves what a headway.yaml says of its build against the files of
// the commit. p is the app's folder; files are all files of the commit. The
// error is a *NoTemplateFitError when auto finds nothing, and a *KeyError when a
// value in headway.yaml has to be changed.
func Build(b spec.Build, p string, files Files) (*v1alpha1.Build, error) {
	if len(files.Under(p)) == 0 {
		return nil, nothingIn(p)
	}
	template := b.With
	if template == spec.TemplateAuto {
		if template = auto(p, files); template == "" {
			return nil, &NoTemplateFitError{Path: p}
		}
	}
	args := maps.Clone(b.Args)
	if template == Go && args["main"] == "" {
		main, err := mainPackage(p, files)
		if err != nil {
			return nil, err
		}
		if args == nil {
			args = map[string]string{}
		}
		args["main"] = main
	}
	return &v1alpha1.Build{Template: template, Args: args}, nil
}

// nothingIn says that there is no file to build an app from.
func nothingIn(p string) error {
	if p == "." {
		return &KeyError{"path", "the repository has no files yet; add what the app is built from: a Dockerfile, Go files with a go.mod, or an index.html"}
	}
	return &KeyError{"path", fmt.Sprintf("there is no %s with files in this commit; set path to the folder that has the app's files", folder(p))}
}

// auto is the template for a folder, or "". Go files deeper down than a main
// package usually is count only where there is no site to serve.
func auto(p string, files Files) string {
	module := above(p, "go.mod", files) != ""
	switch {
	case files.Has(path.Join(p, "Dockerfile")):
		return Dockerfile
	case module && hasMain(p, files):
		return Go
	case StaticDir(p, files) != "":
		return Static
	case module && slices.ContainsFunc(files.Under(p), isGo):
		return Go
	}
	return ""
}

// StaticDir is the folder, relative to p, that a static site is served from:
// "." or "public", or "" when neither holds an index.html.
func StaticDir(p string, files Files) string {
	for _, dir := range []string{".", "public"} {
		if files.Has(path.Join(p, dir, "index.html")) {
			return dir
		}
	}
	return ""
}

// ImplicitWatch are the files outside p that decide what a build of p makes:
// for go, the module and workspace files of the folders above.
func ImplicitWatch(p, template string, files Files) []string {
	if template != Go {
		return nil
	}
	var watch []string
	for _, pair := range [][2]string{{"go.mod", "go.sum"}, {"go.work", "go.work.sum"}} {
		dir := above(p, pair[0], files)
		if dir == "" || dir == p {
			continue
		}
		for _, name := range pair {
			if file := path.Join(dir, name); files.Has(file) {
				watch = append(watch, file)
			}
		}
	}
	return watch
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

func isGo(name string) bool {
	return strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
}

// mainPackage is the package to build, relative to p. Names alone decide: a
// main.go beside headway.yaml, else the only folder of cmd/, else Go files
// beside headway.yaml.
func mainPackage(p string, files Files) (string, error) {
	beside, commands := mains(p, files)
	switch {
	case files.Has(path.Join(p, "main.go")):
		return ".", nil
	case len(commands) == 1:
		return commands[0], nil
	case beside && len(commands) == 0:
		return ".", nil
	}
	return "", noMain(p, commands)
}

func hasMain(p string, files Files) bool {
	beside, commands := mains(p, files)
	return beside || len(commands) > 0
}

// Commands are the folders of p/cmd that hold Go files, as ./cmd/name: what
// main can be chosen from where Build finds several.
func Commands(p string, files Files) []string {
	_, commands := mains(p, files)
	return commands
}

// mains tells whether there are Go files in p itself, and which folders of
// p/cmd hold some, as ./cmd/name.
func mains(p string, files Files) (beside bool, commands []string) {
	for _, f := range files.Under(p) {
		name := f
		if p != "." {
			name = strings.TrimPrefix(f, p+"/")
		}
		if !isGo(name) {
			continue
		}
		switch dir := path.Dir(name); {
		case dir == ".":
			beside = true
		case path.Dir(dir) == "cmd":
			commands = append(commands, "./"+dir)
		}
	}
	return beside, slices.Compact(commands)
}

// noMain says what mainPackage looked for, and offers what there is.
func noMain(p string, commands []string) error {
	if len(commands) == 0 {
		return &KeyError{"build", fmt.Sprintf("found no main package in %s: neither Go files in it nor a folder in cmd/; name it, such as {with: go, args: {main: ./server}}", folder(p))}
	}
	return &KeyError{"build", fmt.Sprintf("found several main packages in %s (%s); choose one, such as {with: go, args: {main: %s}}", folder(p), strings.Join(commands, ", "), commands[0])}
}
