// Package gobuild makes an image of a Go program: a static binary on a few
// files that such programs expect, running as an unprivileged user.
//
// Equal sources, Go versions and modules give an equal digest.
package gobuild

import (
	"context"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/headway-dev/headway/cmd/buildstep/ocilayout"
	"github.com/headway-dev/headway/pipelines/ociimage"
)

// Options of a build.
type Options struct {
	// Source is the folder of the unpacked artifact, Path the build context in
	// it; "." is the whole.
	Source, Path string
	// Main is the main package, relative to Path. Default: ".".
	Main string
	// LinkerFlags go to Go's linker: -X, -s and -w, separated by spaces.
	LinkerFlags string
	// Tags are build tags, separated by commas.
	Tags string
	// Files are files and folders, relative to Path and separated by commas,
	// that lie beside the program under the same names.
	Files string
	// Cache holds Go's build and module caches between builds.
	Cache string
	// Modules is a folder that FetchModules made, in the form of a module proxy.
	// Empty or missing: none.
	Modules string
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

// home is where the program and the files beside it are in the image, and where
// the program starts.
const home = "/app"

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
	command, err := goCommand(ctx, o, dir)
	if err != nil {
		return err
	}
	files, err := filesBeside(o)
	if err != nil {
		return err
	}
	binary := filepath.Join(o.Temp, "program")
	if err := command.compile(ctx, pkg, binary); err != nil {
		return err
	}
	if err := checkProgram(binary, pkg); err != nil {
		return err
	}
	base, err := baseFiles(ctx)
	if err != nil {
		return err
	}
	program := path.Join(home, freeName(programName(o.Path, pkg), files))
	layers := []ociimage.Layer{{Files: base}}
	if len(files) > 0 {
		layers = append(layers, ociimage.Layer{Files: files})
	}
	image, err := ociimage.Build(ctx, ociimage.Spec{
		Layers:     append(layers, ociimage.Layer{Files: []ociimage.File{{Path: program, Source: binary, Mode: 0o755}}}),
		Entrypoint: []string{program},
		Env:        []string{"PATH=" + home, "ZONEINFO=" + zoneinfo},
		User:       "65532:65532",
		WorkingDir: home,
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

// checkProgram notices a package that is not main: the Go command compiles it
// without complaint and writes no program.
func checkProgram(binary, pkg string) error {
	if file, err := elf.Open(binary); err == nil {
		return file.Close()
	}
	return fmt.Errorf("%s is not a main package; set build.args.main to the folder of one", strings.TrimPrefix(pkg, "./"))
}
