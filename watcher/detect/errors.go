package detect

import (
	"fmt"
	"path"
	"strings"
)

// NoTemplateFitError says that auto found nothing it knows how to build.
type NoTemplateFitError struct {
	// Path of the app in the repository.
	Path string
	// Found is what was found instead, in words; empty when there was nothing.
	Found string
}

func (e *NoTemplateFitError) Error() string {
	if e.Found != "" {
		return fmt.Sprintf("no build template fits %s: found %s, which none of those that come with Headway builds; add a Dockerfile, or name a template of your own in build.with", folder(e.Path), e.Found)
	}
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

// lineFor is what to write into headway.yaml for a template with one argument.
func lineFor(template, arg, value string) string {
	return fmt.Sprintf("build: {with: %s, args: {%s: %s}}", template, arg, value)
}

// nothingIn says that there is no file to build an app from.
func nothingIn(p string) error {
	if p == "." {
		return &KeyError{"path", "the repository has no files yet; add what the app is built from: a Dockerfile, Go files with a go.mod, or an index.html"}
	}
	return &KeyError{"path", fmt.Sprintf("there is no %s with files in this commit; set path to the folder that has the app's files", folder(p))}
}

// noMain says that there is no program to build.
func noMain(p string) error {
	return &KeyError{"build", fmt.Sprintf("found no main package with a func main in %s; set path to the folder that has the program, or name the package, such as %s", folder(p), lineFor(Go, "main", "./server"))}
}

// severalMains offers what there is to choose from.
func severalMains(p string, programs []program) error {
	return &KeyError{"build", fmt.Sprintf("found several main packages in %s (%s); choose one, such as %s", folder(p), list(programs), lineFor(Go, "main", programs[0].arg()))}
}

// list names programs, the first ten of many.
func list(programs []program) string {
	const most = 10
	var names []string
	for _, at := range programs[:min(len(programs), most)] {
		names = append(names, at.arg())
	}
	if len(programs) > most {
		names = append(names, fmt.Sprintf("and %d more", len(programs)-most))
	}
	return strings.Join(names, ", ")
}

// notInModule says why the Go command, run in folder p, would not build a
// program.
func notInModule(key, p string, at program, m *goModules) error {
	var message string
	switch {
	case at.module == "":
		message = fmt.Sprintf("there is a Go program in %s but no go.mod in it or above it; run go mod init there and commit the go.mod", folder(path.Join(p, at.dir)))
	case m.work != "":
		message = fmt.Sprintf("%s does not list the module in %s; run go work use on it and commit the go.work", path.Join(m.work, "go.work"), folder(at.module))
	default:
		message = fmt.Sprintf("the Go program in %s is in a module of its own; build it from there with path: %s", folder(path.Join(p, at.dir)), at.module)
	}
	return &KeyError{key, message}
}
