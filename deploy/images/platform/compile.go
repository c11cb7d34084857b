package platform

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// programs of this module that go into images.
var programs = []string{"controller", "activator", "autoscaler", "park", "buildstep", "staticserver"}

// buildKitTags are those of the local cluster's programs, so that the packages
// they share compile once.
const buildKitTags = "no_btrfs no_zfs no_devmapper"

// program compiles all programs of this module, once, and returns the path of one.
func (a *assembler) program(ctx context.Context, name string) (string, error) {
	if !a.compiled {
		if err := os.MkdirAll(a.programs(), 0o755); err != nil {
			return "", fmt.Errorf("making the program folder: %w", err)
		}
		a.options.Progress("compiling %s", strings.Join(programs, ", "))
		args := []string{"build", "-buildvcs=false", "-ldflags=-s -w", "-o", a.programs() + "/"}
		for _, p := range programs {
			args = append(args, "./cmd/"+p)
		}
		if _, err := a.run(ctx, a.options.Module, "go", args...); err != nil {
			return "", err
		}
		a.compiled = true
	}
	return filepath.Join(a.programs(), name), nil
}

// buildKitTool is the path of buildkitd or buildctl.
func (a *assembler) buildKitTool(ctx context.Context, name string) (string, error) {
	if a.options.Tools != "" {
		return filepath.Join(a.options.Tools, name), nil
	}
	path := filepath.Join(a.programs(), name)
	a.options.Progress("compiling %s", name)
	_, err := a.run(ctx, filepath.Join(a.options.Module, "deploy/local/components"), "go", "build",
		"-buildvcs=false", "-tags="+buildKitTags, "-ldflags=-s -w", "-o", path, "github.com/moby/buildkit/cmd/"+name)
	return path, err
}

// run runs a command and returns what it printed; its complaints are in the error.
func (a *assembler) run(ctx context.Context, folder, name string, args ...string) (string, error) {
	return runWith(ctx, []string{"CGO_ENABLED=0", "GOWORK=off"}, folder, name, args...)
}

func runWith(ctx context.Context, env []string, folder, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("running %s %s: %w\n%s", name, args[0], err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
