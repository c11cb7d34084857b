package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/spec"
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
	watch             []string
}

// inspect looks at the files of folder p.
func inspect(c *checkout, p, name string) (findings, error) {
	f := findings{name: name}
	if len(c.files.Under(p)) == 0 {
		return f, errors.New("this folder has no files that git would commit; add what the app is built from (a Dockerfile, Go files with a go.mod, or an index.html), then run headway init again")
	}
	build, err := detect.Build(spec.Build{With: spec.TemplateAuto}, p, c.files)
	var wrong *detect.KeyError
	switch {
	case errors.As(err, &wrong):
		commands := detect.Commands(p, c.files)
		if len(commands) == 0 {
			return f, errors.New(wrong.Message)
		}
		f.template, f.main = detect.Go, commands[0]
		if own := "./cmd/" + name; slices.Contains(commands, own) {
			f.main = own
		}
		f.because = "one of " + strings.Join(commands, ", ")
	case err != nil:
		return f, err
	default:
		f.template = build.Template
		f.because = because(build.Template, build.Args["main"], c.files, p)
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(c.root, filepath.FromSlash(name)))
		if err != nil {
			return ""
		}
		return string(data)
	}
	switch f.template {
	case detect.Dockerfile:
		f.port = exposed(read(path.Join(p, "Dockerfile")))
	case detect.Go:
		f.health, f.healthIn = healthPath(c.files.Under(p), read)
		f.watch = goWatch(c.files, p, read)
	}
	return f, nil
}

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

var health = regexp.MustCompile(`"(?:GET )?(/healthz|/health|/livez|/readyz)"`)

// healthPath finds a health check by its usual names in Go string literals.
func healthPath(files detect.Files, read func(string) string) (at, file string) {
	for _, f := range files {
		if !strings.HasSuffix(f, ".go") || strings.HasSuffix(f, "_test.go") || strings.Contains(f, "vendor/") {
			continue
		}
		if m := health.FindStringSubmatch(read(f)); m != nil {
			return m[1], path.Base(f)
		}
	}
	return "", ""
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
	if len(f.watch) > 0 {
		line("watch: ["+strings.Join(f.watch, ", ")+"]", "imported from outside this folder")
	}
	switch {
	case f.main != "":
		line(fmt.Sprintf("build: {with: %s, args: {main: %s}}", f.template, f.main), f.because)
	default:
		line(fmt.Sprintf("build: {with: %s}", f.template), f.because)
	}
	if f.port != "" {
		line("port: "+f.port, "EXPOSE in the Dockerfile")
	}
	if f.health != "" {
		line("health: {path: "+f.health+"}", "found in "+f.healthIn)
	}
	return b.String()
}
