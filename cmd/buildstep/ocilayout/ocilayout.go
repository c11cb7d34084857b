// Package ocilayout hands an image from the step that builds it to the step
// that pushes it, as an OCI image layout on disk.
package ocilayout

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// Write makes the layout in dir, replacing what is there.
func Write(dir string, image v1.Image) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("clearing image folder: %w", err)
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return fmt.Errorf("making image folder: %w", err)
	}
	if err := path.AppendImage(image); err != nil {
		return fmt.Errorf("writing image: %w", err)
	}
	return Share(dir)
}

// Share lets every user read the layout: the step that pushes runs as another
// one than the step that builds.
func Share(dir string) error {
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return os.Chmod(name, 0o755)
		}
		return os.Chmod(name, 0o644)
	})
	if err != nil {
		return fmt.Errorf("sharing image folder: %w", err)
	}
	return nil
}

// Read returns the image in the layout. Where the layout holds one for several
// platforms, it is the one of this machine; attestations are passed over.
func Read(dir string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("reading image layout: %w", err)
	}
	images, err := imagesIn(index)
	if err != nil {
		return nil, fmt.Errorf("reading image layout: %w", err)
	}
	if len(images) == 1 {
		return images[0], nil
	}
	for _, image := range images {
		config, err := image.ConfigFile()
		if err != nil {
			return nil, fmt.Errorf("reading image configuration: %w", err)
		}
		if config.OS == "linux" && config.Architecture == runtime.GOARCH {
			return image, nil
		}
	}
	return nil, fmt.Errorf("reading image layout: %d images, none of them for linux/%s", len(images), runtime.GOARCH)
}

// imagesIn collects the images of an index and of the indexes in it.
func imagesIn(index v1.ImageIndex) ([]v1.Image, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	var images []v1.Image
	for _, entry := range manifest.Manifests {
		switch {
		case entry.Platform != nil && entry.Platform.OS == "unknown":
			continue // an attestation
		case entry.MediaType.IsIndex():
			nested, err := index.ImageIndex(entry.Digest)
			if err != nil {
				return nil, err
			}
			inner, err := imagesIn(nested)
			if err != nil {
				return nil, err
			}
			images = append(images, inner...)
		case entry.MediaType.IsImage():
			image, err := index.Image(entry.Digest)
			if err != nil {
				return nil, err
			}
			images = append(images, image)
		}
	}
	return images, nil
}
