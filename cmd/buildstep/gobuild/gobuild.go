// Package gobuild makes an image of a Go program: a static binary on a few
// files that such programs expect, running as an unprivileged user.
//
// Equal sources, Go versions and modules give an equal digest.
package gobuild

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/headway-dev/headway/cmd/buildstep/ocilayout"
	"github.com/headway-dev/headway/cmd/buildstep/tool"
	"github.com/headway-dev/headway/deploy/local/ociimage"
)

// Options of a build.
type Options struct {
	// Source is the folder of the unpacked artifact, Path the build context in
	// it; "." is the whole.
	Source, Path string
	// Main is the main package, relative to Path. Default: ".".
	Main string
	// Cache holds Go's build and module caches between builds.
	Cache string
	// Seed is a build cache that holds the compiled standard library. Empty or
	// missing: none.
	Seed string
	// Temp is a folder for scratch files.
	Temp string
	// Image is where the OCI layout is written.
	Image string
	// Output takes what the Go command prints.
	Output io.Writer
}

// Build compiles the program and writes the image. A program that does not
// compile ends in a *tool.Failed.
func Build(ctx context.Context, o Options) error {
	pkg, err := mainPackage(o.Main)
	if err != nil {
		return err
	}
	dir, err := contextDir(o.Source, o.Path)
	if err != nil {
		return err
	}
	binary := filepath.Join(o.Temp, "program")
	if err := compile(ctx, o, dir, pkg, binary); err != nil {
		return err
	}
	if err := checkProgram(binary, pkg); err != nil {
		return err
	}
	base, err := baseFiles(ctx)
	if err != nil {
		return err
	}
	name := programName(o.Path, pkg)
	image, err := ociimage.Build(ctx, ociimage.Spec{
		Layers: []ociimage.Layer{
			{Files: base},
			{Files: []ociimage.File{{Path: "/app/" + name, Source: binary, Mode: 0o755}}},
		},
		Entrypoint: []string{"/app/" + name},
		Env:        []string{"PATH=/app", "ZONEINFO=" + zoneinfo},
		User:       "65532:65532",
		WorkingDir: "/app",
	})
	if err != nil {
		return err
	}
	return ocilayout.Write(o.Image, image)
}

// mainPackage is the argument for the Go command: "." or "./sub/folder".
func mainPackage(main string) (string, error) {
	clean := path.Clean(main)
	if !filepath.IsLocal(clean) {
		return "", fmt.Errorf("build.args.main is %q; it must be a folder below path, such as ./cmd/server", main)
	}
	if clean == "." {
		return ".", nil
	}
	return "./" + clean, nil
}

func contextDir(source, inside string) (string, error) {
	if !filepath.IsLocal(inside) {
		return "", fmt.Errorf("path %q lies outside the source", inside)
	}
	dir := filepath.Join(source, inside)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", fmt.Errorf("path %q is not a folder of the source", inside)
	}
	return dir, nil
}

// programName is the last folder of path and package, as `go install` would
// choose it; "app" where both are the root.
func programName(inside, pkg string) string {
	if name := path.Base(path.Join(inside, pkg)); name != "." && name != "/" {
		return name
	}
	return "app"
}

func compile(ctx context.Context, o Options, dir, pkg, binary string) error {
	buildCache := filepath.Join(o.Cache, "go", "build")
	if err := seed(ctx, o.Seed, buildCache); err != nil {
		return err
	}
	fmt.Fprintf(o.Output, "compiling %s\n", pkg)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-modcacherw",
		"-ldflags=-s -w", "-o", binary, pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"CGO_ENABLED=0", "GOOS=linux", "GOPATH="+filepath.Join(o.Cache, "go"),
		"GOCACHE="+buildCache,
		"GOMODCACHE="+filepath.Join(o.Cache, "go", "mod"), "TMPDIR="+o.Temp)
	return tool.Run(ctx, cmd, o.Output, &firstError{})
}

// checkProgram notices a package that is not main: the Go command compiles it
// without complaint and writes no program.
func checkProgram(binary, pkg string) error {
	file, err := os.Open(binary)
	if err == nil {
		defer file.Close()
		magic := make([]byte, 4)
		if _, err := io.ReadFull(file, magic); err == nil && bytes.Equal(magic, []byte("\x7fELF")) {
			return nil
		}
	}
	return fmt.Errorf("%s is not a main package; set build.args.main to the folder of one", strings.TrimPrefix(pkg, "./"))
}
