package main

import (
	"context"
	"fmt"
	"os"

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
