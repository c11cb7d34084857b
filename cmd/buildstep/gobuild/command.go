package gobuild

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/headway-dev/headway/cmd/buildstep/tool"
)

// command runs the Go command for one build.
type command struct {
	options Options
	dir     string
	tags    []string
}

// goCommand checks what the user gave and returns the Go command for it.
func goCommand(o Options, dir string) (command, error) {
	if err := checkLinkerFlags(o.LinkerFlags); err != nil {
		return command{}, err
	}
	tags, err := buildTags(o.Tags)
	return command{options: o, dir: dir, tags: tags}, err
}

func (c command) buildCache() string { return filepath.Join(c.options.Cache, "go", "build") }

// compile makes the program.
func (c command) compile(ctx context.Context, pkg, binary string) error {
	if err := seed(ctx, c.options.Seed, c.buildCache()); err != nil {
		return err
	}
	fmt.Fprintf(c.options.Output, "compiling %s\n", pkg)
	return c.build(ctx, pkg, binary)
}

// build runs "go build".
func (c command) build(ctx context.Context, pkg, binary string) error {
	flags := strings.TrimSpace("-s -w " + c.options.LinkerFlags)
	arguments := []string{"build", "-trimpath", "-buildvcs=false", "-modcacherw", "-ldflags=" + flags}
	if len(c.tags) > 0 {
		arguments = append(arguments, "-tags="+strings.Join(c.tags, ","))
	}
	cmd := c.run(ctx, append(arguments, "-o", binary, pkg)...)
	return tool.Run(ctx, cmd, c.options.Output, &firstError{})
}

// run is the Go command with the build's caches.
func (c command) run(ctx context.Context, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", arguments...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOPATH="+filepath.Join(c.options.Cache, "go"),
		"GOCACHE="+c.buildCache(),
		"GOMODCACHE="+filepath.Join(c.options.Cache, "go", "mod"), "TMPDIR="+c.options.Temp)
	return cmd
}
