package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/process"
)

// startRegistry starts the registry. Its images lie outside of the cluster's state
// and stay when the cluster goes: they are addressed by their content.
func startRegistry(ctx context.Context, c *cluster, s *report) error {
	if err := os.MkdirAll(c.places.Registry(), 0o755); err != nil {
		return fmt.Errorf("making the registry folder: %w", err)
	}
	config, err := c.writeConfig("registry.yaml", "registry.yaml", newSettings(c.places))
	if err != nil {
		return err
	}
	return c.launch(ctx, s, process.Program{
		Name: "registry", Args: []string{"serve", config},
		Env:     []string{"OTEL_TRACES_EXPORTER=none"},
		Configs: []string{config},
	}, c.answers("http://"+layout.RegistryEndpoint+"/v2/"))
}

// enoughImages is the size in bytes from which the registry is emptied when the
// cluster goes. Each build adds to it and nothing is ever deleted; no Revision
// refers to an image once the cluster is gone, and the next `up` pushes again
// what it needs.
const enoughImages = 4 << 30

func trimRegistry(_ context.Context, c *cluster, s *report) error {
	size, err := emptyIfLarge(c.places.Registry(), enoughImages)
	if err != nil {
		return fmt.Errorf("trimming the registry: %w", err)
	}
	if size > enoughImages {
		s.result("%d MiB of images removed", size>>20)
	}
	return nil
}

// emptyIfLarge removes a folder with files of more than limit bytes in all. A
// folder that is not there has none.
func emptyIfLarge(folder string, limit int64) (size int64, err error) {
	err = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil || size <= limit:
		return size, err
	}
	return size, os.RemoveAll(folder)
}
