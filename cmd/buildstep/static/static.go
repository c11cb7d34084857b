// Package static makes an image of a folder of files and the program that
// serves them.
package static

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/headway-dev/headway/cmd/buildstep/ocilayout"
	"github.com/headway-dev/headway/deploy/local/ociimage"
)

// Options of a build.
type Options struct {
	// Source is the folder of the unpacked artifact, Path the build context in
	// it; "." is the whole.
	Source, Path string
	// Dir is the folder to serve, relative to Path. Default: public when that
	// holds an index.html, else Path itself.
	Dir string
	// Server is the file server's program.
	Server string
	// Image is where the OCI layout is written.
	Image string
}

// site is where the files are in the image.
const site = "/site"

// Build writes the image. Names that begin with a dot are left out, save
// .well-known; so is headway.yaml.
func Build(ctx context.Context, o Options) error {
	dir, err := servedDir(o)
	if err != nil {
		return err
	}
	files, err := siteFiles(dir)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("there are no files to serve in %q; set build.args.dir to the folder that has them", path.Join(o.Path, o.Dir))
	}
	image, err := ociimage.Build(ctx, ociimage.Spec{
		Layers: []ociimage.Layer{
			{Files: []ociimage.File{{Path: "/staticserver", Source: o.Server, Mode: 0o755}}},
			{Files: files},
		},
		Entrypoint: []string{"/staticserver", site},
		User:       "65532:65532",
	})
	if err != nil {
		return err
	}
	return ocilayout.Write(o.Image, image)
}

// servedDir finds the folder and makes sure that no link leads it out of the
// source.
func servedDir(o Options) (string, error) {
	root, err := os.OpenRoot(o.Source)
	if err != nil {
		return "", fmt.Errorf("opening source: %w", err)
	}
	defer root.Close()
	dir := path.Join(o.Path, o.Dir)
	if o.Dir == "" {
		if _, err := root.Stat(path.Join(dir, "public", "index.html")); err == nil {
			dir = path.Join(dir, "public")
		}
	}
	info, err := root.Stat(dir)
	if err != nil || !info.IsDir() {
		return "", fmt.Errorf("%q is not a folder of the source; set build.args.dir to the folder to serve", dir)
	}
	return filepath.EvalSymlinks(filepath.Join(o.Source, dir))
}

// siteFiles lists the folder. Links are kept where they stay inside it.
func siteFiles(dir string) ([]ociimage.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the folder to serve: %w", err)
	}
	defer root.Close()
	var files []ociimage.File
	err = fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if hidden(entry.Name()) || name == "headway.yaml" {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		file := ociimage.File{Path: path.Join(site, name)}
		switch {
		case entry.IsDir():
			return nil
		case entry.Type()&fs.ModeSymlink != 0:
			if _, err := root.Stat(name); err != nil {
				return fmt.Errorf("the link %s does not lead to a file below the folder to serve", name)
			}
			if file.Link, err = root.Readlink(name); err != nil {
				return err
			}
		case entry.Type().IsRegular():
			file.Source = filepath.Join(dir, name)
		default:
			return errors.New(name + " is not a plain file")
		}
		files = append(files, file)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing the folder to serve: %w", err)
	}
	return files, nil
}

func hidden(name string) bool {
	return strings.HasPrefix(name, ".") && name != ".well-known"
}
