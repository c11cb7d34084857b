package platform

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/headway-dev/headway/deploy/command"
	"github.com/headway-dev/headway/pipelines/ociimage"
)

// pureGo compiles this module's programs by themselves.
var pureGo = []string{"CGO_ENABLED=0", "GOWORK=off"}

// compiled are the programs of this module that go into images.
var compiled = []string{"watcher", "controller", "activator", "autoscaler", "eventing", "park", "supervise", "buildstep", "staticserver"}

// buildKitTags are those of the local cluster's programs, so that the packages
// they share compile once.
const buildKitTags = "no_btrfs no_zfs no_devmapper"

// programs is the layer with programs of this module. All are compiled at once.
func (a *assembler) programs(ctx context.Context, names ...string) (layer, error) {
	if !a.compiled {
		if err := os.MkdirAll(a.programFolder(), 0o755); err != nil {
			return layer{}, fmt.Errorf("making the program folder: %w", err)
		}
		a.options.Progress("compiling %s", strings.Join(compiled, ", "))
		args := []string{"build", "-buildvcs=false", "-ldflags=-s -w", "-o", a.programFolder() + "/"}
		for _, p := range compiled {
			args = append(args, "./cmd/"+p)
		}
		if _, err := run(ctx, pureGo, ".", "go", args...); err != nil {
			return layer{}, err
		}
		a.compiled = true
	}
	var l layer
	for _, name := range names {
		l.files = append(l.files, ociimage.File{Path: "/headway/" + name, Mode: 0o755, Source: filepath.Join(a.programFolder(), name)})
	}
	return l, nil
}

// buildKitTool is the path of buildkitd or buildctl.
func (a *assembler) buildKitTool(ctx context.Context, name string) (string, error) {
	if a.options.Tools != "" {
		return filepath.Join(a.options.Tools, name), nil
	}
	path := filepath.Join(a.programFolder(), name)
	a.options.Progress("compiling %s", name)
	_, err := run(ctx, pureGo, "deploy/local/components", "go", "build",
		"-buildvcs=false", "-tags="+buildKitTags, "-ldflags=-s -w", "-o", path, "github.com/moby/buildkit/cmd/"+name)
	return path, err
}

// run runs a program with further variables of the environment, and returns what
// it printed.
func run(ctx context.Context, env []string, folder, name string, args ...string) (string, error) {
	program := exec.CommandContext(ctx, name, args...)
	program.Dir = folder
	program.Env = append(os.Environ(), env...)
	return command.Output(program)
}
