// Package ociimage assembles container images without a container engine: an
// image is a few tar layers on an empty base plus a configuration.
//
// It promises that equal inputs give equal digests on every machine (fixed
// times, sorted entries, no user names). It runs no build steps,
// and it neither pulls nor pushes.
package ociimage

import (
	"context"
	"fmt"
	"io/fs"
	"runtime"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// epoch is the one time written into layers and configurations. It is not zero
// because some programs take a zero time for "unset".
var epoch = time.Unix(1_600_000_000, 0).UTC()

// Spec says what an image holds and how it starts.
type Spec struct {
	// Layers, lowest first.
	Layers []Layer
	// Entrypoint and Cmd as in an OCI configuration; both may be empty.
	Entrypoint, Cmd []string
	// Env entries, "NAME=value", in the order given.
	Env []string
	// User is "uid[:gid]" or a name the image's /etc/passwd knows. Default: root.
	User string
	// WorkingDir of the entrypoint. Default: "/".
	WorkingDir string
}

// Layer is one layer of an image; one of its fields is set.
type Layer struct {
	// Files are written sorted by path; missing parent folders are added with mode 0755.
	Files []File
	// Tar is the path of an uncompressed or gzipped tarball on this machine, taken
	// as it is. Its bytes alone decide the digest.
	Tar string
}

// File is one entry of a layer; at most one of Source, Data and Link is set, and
// none of them makes an empty file, or a folder when Mode says so.
type File struct {
	// Path inside the image, with or without the leading slash.
	Path string
	// Mode is the permission, with fs.ModeDir for a folder and fs.ModeSetuid,
	// fs.ModeSticky where wanted. Default: 0644 for files, 0755 for folders.
	Mode fs.FileMode
	// Source is a file of this machine to copy the content from.
	Source string
	// Data is the content itself.
	Data []byte
	// Link makes the entry a symbolic link with this target.
	Link string
	// UID and GID own the entry. Default: root.
	UID, GID int
}

// Build assembles the image. The context is checked between layers; the files a
// Spec names must not change until the image was written somewhere.
func Build(ctx context.Context, spec Spec) (v1.Image, error) {
	image := v1.Image(empty.Image)
	for i, layer := range spec.Layers {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("assembling image: %w", err)
		}
		built, err := layer.build()
		if err != nil {
			return nil, fmt.Errorf("assembling layer %d: %w", i, err)
		}
		image, err = mutate.Append(image, mutate.Addendum{
			Layer:   built,
			History: v1.History{Created: v1.Time{Time: epoch}, CreatedBy: "headway"},
		})
		if err != nil {
			return nil, fmt.Errorf("appending layer %d: %w", i, err)
		}
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading image configuration: %w", err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	config.Created = v1.Time{Time: epoch}
	config.Config = v1.Config{
		Entrypoint: spec.Entrypoint,
		Cmd:        spec.Cmd,
		Env:        spec.Env,
		User:       spec.User,
		WorkingDir: spec.WorkingDir,
	}
	image, err = mutate.ConfigFile(image, config)
	if err != nil {
		return nil, fmt.Errorf("writing image configuration: %w", err)
	}
	return image, nil
}
