package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/headway-dev/headway/deploy/command"
)

// The module, and its checksum in the form of go.sum. Its own go.mod replaces some
// of what it requires, which a module that requires it would not see: so it is
// compiled in its own folder, where its templates and texts lie as well.
const (
	giteaModule = "code.gitea.io/gitea@v1.25.4"
	giteaSum    = "h1:NVY3EtttCCEST5pwmxqHknJ9WFRWHobxIjNzxhYqZWw="
)

// giteaFlags: what the web pages load (public/assets) is not in the module; the
// API, git and webhooks do without.
var giteaFlags = []string{"-mod=readonly", "-buildvcs=false", "-tags=sqlite sqlite_unlock_notify", "-ldflags=-s -w -X main.Version=1.25.4"}

// giteaBin is the folder of the compiled program; its name changes with all that
// goes into it.
func (c *cluster) giteaBin(ctx context.Context) (string, error) {
	version, err := goCommand(ctx, "env", "GOVERSION")
	if err != nil {
		return "", err
	}
	hash := sha256.Sum256(fmt.Append(nil, version, giteaSum, giteaFlags))
	return c.places.Bin(forgePrefix + hex.EncodeToString(hash[:])[:12]), nil
}

// compileGitea compiles the program unless it is there.
func compileGitea(ctx context.Context, c *cluster, s *report) error {
	bin, err := c.giteaBin(ctx)
	if err != nil {
		return err
	}
	path := filepath.Join(bin, gitea)
	s.result("there, in %s", bin)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	start := time.Now()
	s.waitFor("the compiler: " + gitea + ", about four minutes on two cores")
	source, err := giteaSource(ctx)
	if err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", append(append([]string{"build"}, giteaFlags...), "-o", path+".new", ".")...)
	build.Dir = source
	build.Env = append(os.Environ(), "CGO_ENABLED=1", "GOWORK=off", "GOFLAGS=") // its SQLite is C
	if _, err := command.Output(build); err != nil {
		return fmt.Errorf("compiling %s: %w", gitea, err)
	}
	s.result("compiled in %s, in %s", clock(time.Since(start)), bin)
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("putting %s in place: %w", gitea, err)
	}
	return c.dropOtherForges(bin)
}

// giteaSource fetches the module unless it is there, and returns its folder.
func giteaSource(ctx context.Context) (string, error) {
	// Outside of any module, so that none needs to require it.
	download := exec.CommandContext(ctx, "go", "mod", "download", "-json", giteaModule)
	download.Dir = os.TempDir()
	download.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	out, err := command.Output(download)
	if err != nil {
		return "", err
	}
	var module struct{ Dir, Sum string }
	if err := json.Unmarshal([]byte(out), &module); err != nil {
		return "", fmt.Errorf("reading what go mod download says of %s: %w", giteaModule, err)
	}
	if module.Sum != giteaSum {
		return "", fmt.Errorf("the checksum of %s is %s, not %s as it has to be", giteaModule, module.Sum, giteaSum)
	}
	return module.Dir, nil
}

// dropOtherForges removes forges that were compiled from something else.
func (c *cluster) dropOtherForges(keep string) error {
	others, err := filepath.Glob(c.places.Bin(forgePrefix + "*"))
	if err != nil {
		return err
	}
	for _, path := range others {
		if path != keep {
			if err := os.RemoveAll(path); err != nil {
				return fmt.Errorf("removing an old %s: %w", gitea, err)
			}
		}
	}
	return nil
}
