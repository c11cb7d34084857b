package validate

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/checkout"
	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/specfile"
)

// findings are what a folder says about the app in it.
type findings struct {
	name string
	// main is the Go package to build where auto would have to ask.
	main string
	// template and why it fits.
	template, because string
	port              string
	health, healthIn  string
}

// inspect looks at the files of folder p.
func inspect(c *checkout.Checkout, p, name string) (findings, error) {
	f := findings{name: name}
	if len(c.Files.Under(p)) == 0 {
		return f, errors.New("this folder has no files that git would commit; add what the app is built from (a Dockerfile, Go files with a go.mod, or an index.html), then run headway init again")
	}
	tree := c.Tree()
	build, err := detect.Build(specfile.Build{With: specfile.TemplateAuto}, p, tree)
	if err == nil {
		f.because = because(build.Template, build.Args["main"], c.Files, p)
	} else if build, f.because, err = oneOfMany(p, name, tree, err); err != nil {
		return f, err
	} else {
		f.main = build.Args["main"]
	}
	f.template = build.Template
	switch f.template {
	case detect.Dockerfile:
		data, err := c.Content().Read(path.Join(p, "Dockerfile"), specfile.MaxBytes)
		if err != nil {
			return f, fmt.Errorf("reading the Dockerfile: %w", err)
		}
		f.port = exposed(string(data))
	case detect.Go:
		f.health, f.healthIn, err = findHealth(c, p, build, tree)
	}
	return f, err
}

// oneOfMany chooses where a Go app has several programs: the one named like the
// app. Every other problem stays one.
func oneOfMany(p, name string, tree *detect.Tree, problem error) (*v1alpha1.Build, string, error) {
	var wrong *detect.KeyError
	if !errors.As(problem, &wrong) {
		return nil, "", problem
	}
	mains, err := detect.Mains(p, tree)
	if err != nil {
		return nil, "", err
	}
	i := slices.IndexFunc(mains, func(main string) bool { return path.Base(main) == name })
	if len(mains) < 2 || i < 0 || detect.StaticDir(p, tree.Files) != "" {
		return nil, "", errors.New(wrong.Message)
	}
	return &v1alpha1.Build{Template: detect.Go, Args: map[string]string{"main": mains[i]}}, "one of " + strings.Join(mains, ", "), nil
}

// findHealth looks for a route by one of the usual names in the files of the
// program.
func findHealth(c *checkout.Checkout, p string, build *v1alpha1.Build, tree *detect.Tree) (at, file string, err error) {
	files, err := detect.ProgramFiles(build, p, tree)
	if err != nil {
		return "", "", err
	}
	for _, name := range files {
		data, err := c.Content().Read(name, maxGoFile)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", "", fmt.Errorf("reading %s: %w", name, err)
		}
		if at := healthRoute(data); at != "" {
			return at, path.Base(name), nil
		}
	}
	return "", "", nil
}

// maxGoFile is how much of a Go file is read.
const maxGoFile = 1 << 20

// because says in a few words which files led to the template.
func because(template, main string, files detect.Files, p string) string {
	switch template {
	case detect.Dockerfile:
		return "there is a Dockerfile"
	case detect.Static:
		return path.Join(detect.StaticDir(p, files), "index.html")
	case detect.Go:
		if main == "." {
			return "Go files in this folder"
		}
		return "main package in " + main
	}
	return template
}

var expose = regexp.MustCompile(`(?im)^\s*EXPOSE\s+([0-9]{1,5})(/tcp)?\s*$`)

// exposed is the port of a Dockerfile that exposes exactly one, unless it is
// the default anyway.
func exposed(dockerfile string) string {
	ports := expose.FindAllStringSubmatch(dockerfile, 2)
	if len(ports) != 1 || ports[0][1] == "8080" {
		return ""
	}
	return ports[0][1]
}

// text writes the findings as headway.yaml, each with the reason beside it.
func (f findings) text() string {
	var b strings.Builder
	line := func(text, why string) {
		if why != "" {
			text = fmt.Sprintf("%-30s # %s", text, why)
		}
		b.WriteString(text + "\n")
	}
	line("name: "+f.name, "")
	switch {
	case f.main != "":
		line(fmt.Sprintf("build: {with: %s, args: {main: %s}}", f.template, f.main), f.because)
	default:
		line(fmt.Sprintf("build: {with: %s}", f.template), f.because)
	}
	if f.port != "" {
		line("port: "+f.port, "EXPOSE in the Dockerfile")
	}
	switch {
	case f.health != "":
		line("health: {path: "+f.health+"}", "found in "+f.healthIn)
	case f.template != detect.Static:
		line("# health: {path: /healthz}", "add it, with a path that answers 2xx when the app can take requests")
	}
	return b.String()
}
