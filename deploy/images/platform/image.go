package platform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/headway-dev/headway/pipelines/ociimage"
)

// format goes into every key; a change makes all images anew.
const format = "1"

// image is what an image holds, before anything of it was assembled.
type image struct {
	layers []layer
	config ociimage.Spec // without layers
}

// layer is a list of files. A large one has a name that stands for its content,
// and is assembled once per machine.
type layer struct {
	files []ociimage.File
	large *largeLayer // instead of files
}

type largeLayer struct {
	// key is "kind-hash" and changes when the content does.
	key string
	// list names the files; it may make some in the folder scratch.
	list func(ctx context.Context, scratch string) ([]ociimage.File, error)
}

// key is the image's tag: a hash over everything that goes into it.
func (i image) key() (string, error) {
	sum := sha256.New()
	config, err := json.Marshal(i.config)
	if err != nil {
		return "", fmt.Errorf("encoding the configuration: %w", err)
	}
	fmt.Fprintf(sum, "%s\n%s\n", format, config)
	for _, l := range i.layers {
		if l.large != nil {
			fmt.Fprintf(sum, "layer %s\n", l.large.key)
			continue
		}
		fmt.Fprintf(sum, "layer of %d\n", len(l.files))
		for _, file := range l.files {
			if err := hashFile(sum, file); err != nil {
				return "", fmt.Errorf("hashing %s: %w", file.Path, err)
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

func hashFile(sum hash.Hash, file ociimage.File) error {
	fmt.Fprintf(sum, "%q %o %d %d %q %d\n", file.Path, file.Mode, file.UID, file.GID, file.Link, len(file.Data))
	sum.Write(file.Data)
	if file.Source == "" {
		return nil
	}
	content, err := os.Open(file.Source)
	if err != nil {
		return err
	}
	defer content.Close()
	inner := sha256.New()
	if _, err := io.Copy(inner, content); err != nil {
		return err
	}
	fmt.Fprintf(sum, "%x\n", inner.Sum(nil))
	return nil
}

// assemble makes the layers and the image of them.
func (a *assembler) assemble(ctx context.Context, img image) (v1.Image, error) {
	spec := img.config
	for _, l := range img.layers {
		if l.large == nil {
			spec.Layers = append(spec.Layers, ociimage.Layer{Files: l.files})
			continue
		}
		tarball, err := a.tarball(ctx, *l.large)
		if err != nil {
			return nil, err
		}
		spec.Layers = append(spec.Layers, ociimage.Layer{Tar: tarball})
	}
	return ociimage.Build(ctx, spec)
}

// tarball is the path of a large layer on disk, assembled when it is not there.
// Older ones of the same kind (the part of the key before the dash) are removed.
func (a *assembler) tarball(ctx context.Context, l largeLayer) (string, error) {
	folder := filepath.Join(a.cache, "layers")
	path := filepath.Join(folder, l.key+".tar.gz")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("making the layer folder: %w", err)
	}
	kind, _, _ := strings.Cut(l.key, "-")
	older, err := filepath.Glob(filepath.Join(folder, kind+"-*"))
	if err != nil {
		return "", err
	}
	for _, old := range older {
		if err := os.Remove(old); err != nil {
			return "", fmt.Errorf("removing an older layer: %w", err)
		}
	}
	scratch, err := os.MkdirTemp(folder, ".scratch-")
	if err != nil {
		return "", fmt.Errorf("making a scratch folder: %w", err)
	}
	defer os.RemoveAll(scratch)
	a.options.Progress("packing %s, which is kept", kind)
	files, err := l.list(ctx, scratch)
	if err != nil {
		return "", err
	}
	built, err := ociimage.Build(ctx, ociimage.Spec{Layers: []ociimage.Layer{{Files: files}}})
	if err != nil {
		return "", err
	}
	layers, err := built.Layers()
	if err != nil {
		return "", fmt.Errorf("reading the layer: %w", err)
	}
	content, err := layers[0].Compressed()
	if err != nil {
		return "", fmt.Errorf("reading the layer: %w", err)
	}
	defer content.Close()
	file, err := os.Create(filepath.Join(scratch, "layer"))
	if err != nil {
		return "", fmt.Errorf("making a layer file: %w", err)
	}
	_, err = io.Copy(file, content)
	if err := errors.Join(err, file.Close()); err != nil {
		return "", fmt.Errorf("writing the layer: %w", err)
	}
	return path, os.Rename(file.Name(), path) // in one move: nobody sees half a layer
}
