package gobuild

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/headway-dev/headway/cmd/buildstep/cachelock"
	"github.com/headway-dev/headway/cmd/buildstep/tool"
)

// command runs the Go command for one build.
type command struct {
	options Options
	dir     string
	tags    []string
	proxies string // GOPROXY; empty: as it is
}

// goCommand checks what the user gave and returns the Go command for it.
func goCommand(ctx context.Context, o Options, dir string) (command, error) {
	if err := checkLinkerFlags(o.LinkerFlags); err != nil {
		return command{}, err
	}
	tags, err := buildTags(o.Tags)
	if err != nil {
		return command{}, err
	}
	c := command{options: o, dir: dir, tags: tags}
	if _, err := os.Stat(o.Modules); err == nil {
		proxies, err := c.run(ctx, pure, "env", "GOPROXY").Output()
		if err != nil {
			return command{}, fmt.Errorf("asking for GOPROXY: %w", err)
		}
		c.proxies = "file://" + o.Modules + "," + strings.TrimSpace(string(proxies))
	}
	return c, nil
}

func (c command) buildCache() string { return filepath.Join(c.options.Cache, "go", "build") }

func (c command) moduleCache() string { return filepath.Join(c.options.Cache, "go", "mod") }

// compile makes the program. Where the program uses C, it is compiled and
// linked statically too.
func (c command) compile(ctx context.Context, pkg, binary string) error {
	if err := os.MkdirAll(c.options.Cache, 0o755); err != nil {
		return fmt.Errorf("making the build cache: %w", err)
	}
	release, err := cachelock.Share(ctx, filepath.Join(c.options.Cache, cachelock.Name))
	if err != nil {
		return err
	}
	defer release()
	if err := seed(ctx, c.options.Seed, c.buildCache()); err != nil {
		return err
	}
	fmt.Fprintf(c.options.Output, "compiling %s\n", pkg)
	users, err := c.usersOfC(ctx, pkg)
	if err != nil {
		return err
	}
	if len(users) == 0 {
		return c.build(ctx, pkg, binary, pure)
	}
	return c.compileWithC(ctx, pkg, binary, users)
}

// language is what a program is compiled from.
type language bool

const (
	pure  language = false // Go alone
	withC language = true  // Go and C
)

// build runs "go build".
func (c command) build(ctx context.Context, pkg, binary string, from language) error {
	flags := strings.TrimSpace("-s -w " + c.options.LinkerFlags)
	tags := c.tags
	if from == withC {
		// Go's own resolver and user lookup: those of the C library need files
		// that the image has not.
		tags = append([]string{"netgo", "osusergo"}, tags...)
		flags += " -linkmode=external -extldflags=-static"
	}
	arguments := []string{"build", "-trimpath", "-buildvcs=false", "-modcacherw", "-ldflags=" + flags}
	if len(tags) > 0 {
		arguments = append(arguments, "-tags="+strings.Join(tags, ","))
	}
	cmd := c.run(ctx, from, append(arguments, "-o", binary, pkg)...)
	return tool.Run(ctx, cmd, c.options.Output, &firstError{})
}

// run is the Go command with the build's caches.
func (c command) run(ctx context.Context, from language, arguments ...string) *exec.Cmd {
	cgo := "CGO_ENABLED=0"
	if from == withC {
		cgo = "CGO_ENABLED=1"
	}
	cmd := exec.CommandContext(ctx, "go", arguments...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), cgo, "GOOS=linux", "GOPATH="+filepath.Join(c.options.Cache, "go"),
		"GOCACHE="+c.buildCache(),
		"GOMODCACHE="+c.moduleCache(), "TMPDIR="+c.options.Temp)
	if c.proxies != "" { // also for modules that would be fetched directly
		cmd.Env = append(cmd.Env, "GONOPROXY=none", "GOPROXY="+c.proxies)
	}
	return cmd
}
