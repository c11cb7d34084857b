package gobuild

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/build/constraint"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/cmd/buildstep/tool"
)

// goPackage is what the Go command says of a package when C may be used.
type goPackage struct {
	ImportPath, Dir string
	Standard        bool
	CgoFiles        []string
	IgnoredGoFiles  []string
}

// usersOfC are the packages of the program that use C, save those of the
// standard library, which do without.
func (c command) usersOfC(ctx context.Context, pkg string) ([]goPackage, error) {
	arguments := []string{"list", "-deps", "-e", "-json=ImportPath,Dir,Standard,CgoFiles,IgnoredGoFiles", "-modcacherw"}
	if len(c.tags) > 0 {
		arguments = append(arguments, "-tags="+strings.Join(c.tags, ","))
	}
	var list bytes.Buffer
	cmd := c.run(ctx, withC, append(arguments, pkg)...)
	cmd.Stdout = &list
	if err := tool.Run(ctx, cmd, c.options.Output, &firstError{}); err != nil {
		return nil, err
	}
	var users []goPackage
	used := map[string]bool{}
	defer func() { noteUse(used, time.Now()) }()
	for decoder := json.NewDecoder(&list); ; {
		var next goPackage
		switch err := decoder.Decode(&next); {
		case errors.Is(err, io.EOF):
			return users, nil
		case err != nil:
			return nil, fmt.Errorf("reading the list of packages: %w", err)
		}
		if module := moduleOf(c.moduleCache(), next.Dir); module != "" {
			used[module] = true
		}
		if !next.Standard && len(next.CgoFiles) > 0 {
			users = append(users, next)
		}
	}
}

// moduleOf is the folder of the module that a package in the module cache belongs
// to; empty for packages elsewhere.
func moduleOf(cache, dir string) string {
	inside, ok := strings.CutPrefix(dir, cache+string(filepath.Separator))
	name, rest, versioned := strings.Cut(inside, "@")
	if !ok || !versioned {
		return ""
	}
	version, _, _ := strings.Cut(rest, string(filepath.Separator))
	return filepath.Join(cache, name+"@"+version)
}

// noteUse has the eviction of caches know that modules are used, by the time of
// their folders. Without it they are fetched again some day.
func noteUse(modules map[string]bool, now time.Time) {
	for dir := range modules {
		_ = os.Chtimes(dir, now, now)
	}
}

// compileWithC makes a program of which packages use C. Where there is no C
// compiler, or it fails, the packages may have a part without C for that case;
// then the program is made as a Go program.
func (c command) compileWithC(ctx context.Context, pkg, binary string, users []goPackage) error {
	first := slices.IndexFunc(users, func(p goPackage) bool { return !p.doesWithoutC() })
	if _, err := exec.LookPath(cmp.Or(os.Getenv("CC"), "gcc")); err != nil {
		if first >= 0 {
			return fmt.Errorf(`package %s uses cgo (import "C"), and this builder has no C compiler; build it with a Dockerfile, or use a package that needs no C`, users[first].ImportPath)
		}
		return c.build(ctx, pkg, binary, pure)
	}
	fmt.Fprintf(c.options.Output, "with C, which %s uses\n", users[0].ImportPath)
	err := c.build(ctx, pkg, binary, withC)
	if !errors.As(err, new(*tool.Failed)) || first >= 0 {
		return err
	}
	fmt.Fprintln(c.options.Output, "compiling again without C, which the packages allow")
	return c.build(ctx, pkg, binary, pure)
}

// doesWithoutC reports whether the package has files that are compiled only
// where C is not used.
func (p goPackage) doesWithoutC() bool {
	return slices.ContainsFunc(p.IgnoredGoFiles, func(name string) bool {
		content, err := os.ReadFile(filepath.Join(p.Dir, name))
		if err != nil {
			return false
		}
		for line := range strings.Lines(string(content)) {
			if expression, err := constraint.Parse(strings.TrimSpace(line)); err == nil && constraint.IsGoBuild(line) {
				return deniesC(expression)
			}
			if strings.HasPrefix(line, "package ") {
				return false
			}
		}
		return false
	})
}

// deniesC reports whether an expression contains !cgo.
func deniesC(expression constraint.Expr) bool {
	switch e := expression.(type) {
	case *constraint.NotExpr:
		tag, ok := e.X.(*constraint.TagExpr)
		return ok && tag.Tag == "cgo"
	case *constraint.AndExpr:
		return deniesC(e.X) || deniesC(e.Y)
	case *constraint.OrExpr:
		return deniesC(e.X) || deniesC(e.Y)
	}
	return false
}
