// Package static makes an image of a folder of files and the program that
// serves them.
package static

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/headway-dev/headway/cmd/buildstep/ocilayout"
	"github.com/headway-dev/headway/pipelines/ociimage"
)

// Options of a build.
type Options struct {
	// Source is the folder of the unpacked artifact, Path the build context in
	// it; "." is the whole.
	Source, Path string
	// Dir is the folder to serve, relative to Path. Default: Path itself.
	Dir string
	// Fallback is a file of the folder, relative to it, that answers unknown
	// paths of a single-page app. Default: none does.
	Fallback string
	// Server is the file server's program.
	Server string
	// Image is where the OCI layout is written.
	Image string
	// Output takes the log.
	Output io.Writer
}

// site is where the files are in the image.
const site = "/site"

// Build writes the image. Names that begin with a dot are left out, save
// .well-known; so is headway.yaml, and, where no folder was named, what a
// repository holds beside its site.
func Build(ctx context.Context, o Options) error {
	dir, whole, err := servedDir(o)
	if err != nil {
		return err
	}
	files, left, err := siteFiles(dir, whole)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("there are no files to serve in %q; set build.args.dir to the folder that has them", path.Join(o.Path, o.Dir))
	}
	if len(left) > 0 {
		fmt.Fprintf(o.Output, "left out, being no part of the site: %s (build.args.dir: . publishes them too)\n", strings.Join(left, ", "))
	}
	server, err := serverCommand(o.Fallback, files)
	if err != nil {
		return err
	}
	image, err := ociimage.Build(ctx, ociimage.Spec{
		Layers: []ociimage.Layer{
			{Files: []ociimage.File{{Path: server[0], Source: o.Server, Mode: 0o755}}},
			{Files: files},
		},
		Entrypoint: server,
		User:       "65532:65532",
	})
	if err != nil {
		return err
	}
	return ocilayout.Write(o.Image, image)
}

// serverCommand is how the file server is started.
func serverCommand(fallback string, files []ociimage.File) ([]string, error) {
	const server = "/staticserver"
	if fallback == "" {
		return []string{server, site}, nil
	}
	page := path.Join(site, fallback)
	if !slices.ContainsFunc(files, func(f ociimage.File) bool { return f.Path == page }) {
		return nil, fmt.Errorf("build.args.fallback is %q, which is not among the files that are served; name the page for unknown paths, relative to the folder that is served, such as index.html", fallback)
	}
	return []string{server, "--fallback=" + strings.TrimPrefix(page, site+"/"), site}, nil
}

// servedDir finds the folder and makes sure that no link leads it out of the
// source. It is published whole unless it is the app's folder by default.
func servedDir(o Options) (dir string, whole bool, err error) {
	root, err := os.OpenRoot(o.Source)
	if err != nil {
		return "", false, fmt.Errorf("opening source: %w", err)
	}
	defer root.Close()
	dir, whole = path.Join(o.Path, o.Dir), o.Dir != ""
	info, err := root.Stat(dir)
	if err != nil || !info.IsDir() {
		return "", false, fmt.Errorf("%q is not a folder of the source; set build.args.dir to the folder to serve", dir)
	}
	full, err := filepath.EvalSymlinks(filepath.Join(o.Source, dir))
	return full, whole, err
}

// siteFiles lists the folder, and what of its top is left out unless it is
// published whole. Links are kept where they stay inside it.
func siteFiles(dir string, whole bool) (files []ociimage.File, left []string, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("opening the folder to serve: %w", err)
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case name == ".":
			return err
		case hidden(name):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !utf8.ValidString(name): // before err: such a folder cannot be read
			return fmt.Errorf("the name of %q is not UTF-8, so that no browser asks for it; rename the file", name)
		case err != nil || entry.IsDir():
			return err
		case !whole && ofRepository(name):
			left = append(left, name)
			return nil
		}
		file, err := siteFile(root, dir, name, entry.Type())
		files = append(files, file)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("listing the folder to serve: %w", err)
	}
	return files, left, nil
}

func siteFile(root *os.Root, dir, name string, mode fs.FileMode) (file ociimage.File, err error) {
	file.Path = path.Join(site, name)
	switch {
	case mode&fs.ModeSymlink != 0:
		if _, err := root.Stat(name); err != nil {
			return file, fmt.Errorf("the link %s does not lead to a file below the folder to serve", name)
		}
		file.Link, err = root.Readlink(name)
	case mode.IsRegular():
		file.Source = filepath.Join(dir, name)
	default:
		err = errors.New(name + " is not a plain file")
	}
	return file, err
}
