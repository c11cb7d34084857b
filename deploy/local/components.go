package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/headway-dev/headway/deploy/command"
)

// componentsDir is the nested module with the programs, from the repository root.
const componentsDir = "deploy/local/components"

// One set of flags for all programs, so that the packages they share compile once.
var buildFlags = []string{
	"-buildvcs=false",
	"-tags=no_btrfs no_zfs no_devmapper",
	"-ldflags=-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36",
}

// component is a program to compile.
type component struct {
	name string
	pkg  string
	// links are further names of the same file.
	links []string
}

var components = []component{
	{"kubernetes", "./kubernetes", []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl"}},
	{"etcd", "./etcd", nil},
	{"containerd", "github.com/containerd/containerd/v2/cmd/containerd", nil},
	{"containerd-shim-runc-v2", "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2", nil},
	{"ctr", "github.com/containerd/containerd/v2/cmd/ctr", nil},
	{"pause", "./pause", nil},
	{"coredns", "./coredns", nil},
	{"registry", "github.com/distribution/distribution/v3/cmd/registry", nil},
	{"tekton-controller", "github.com/tektoncd/pipeline/cmd/controller", nil},
	{"tekton-webhook", "github.com/tektoncd/pipeline/cmd/webhook", nil},
	{"tekton-entrypoint", "github.com/tektoncd/pipeline/cmd/entrypoint", nil},
	{"tekton-nop", "github.com/tektoncd/pipeline/cmd/nop", nil},
	{"tekton-workingdirinit", "github.com/tektoncd/pipeline/cmd/workingdirinit", nil},
	{"tekton-sidecarlogresults", "github.com/tektoncd/pipeline/cmd/sidecarlogresults", nil},
	{"buildkitd", "github.com/moby/buildkit/cmd/buildkitd", nil},
	{"buildctl", "github.com/moby/buildkit/cmd/buildctl", nil},
}

// componentKey names the folder of the compiled programs: a hash over everything
// that goes into them. It must run in the repository root.
func componentKey(ctx context.Context) (string, error) {
	version, err := goCommand(ctx, "env", "GOVERSION")
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%s %s %q %v\n", strings.TrimSpace(version), runtime.GOARCH, buildFlags, components)
	err = filepath.WalkDir(componentsDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(hash, "%s %d\n%s", path, len(content), content)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return "", errors.New("no folder " + componentsDir + " here: run this in the root of the repository")
	}
	if err != nil {
		return "", fmt.Errorf("hashing the components: %w", err)
	}
	return hex.EncodeToString(hash.Sum(nil))[:12], nil
}

// compileComponents makes sure that every program is there, compiling only what
// is not, and sets the cluster's program folder.
func compileComponents(ctx context.Context, c *cluster, s *report) error {
	key, err := componentKey(ctx)
	if err != nil {
		return err
	}
	c.bin = c.places.Bin(key)
	if err := os.MkdirAll(c.bin, 0o755); err != nil {
		return fmt.Errorf("making the program folder: %w", err)
	}
	missing := slices.DeleteFunc(slices.Clone(components), func(p component) bool {
		_, err := os.Stat(filepath.Join(c.bin, p.name))
		return err == nil
	})
	for i, p := range missing {
		start := time.Now()
		s.waitFor(fmt.Sprintf("the compiler: %s, %d of %d", p.name, i+1, len(missing)))
		if err := c.compile(ctx, p); err != nil {
			return err
		}
		s.note("%-24s compiled in %s (%d of %d)", p.name, clock(time.Since(start)), i+1, len(missing))
	}
	for _, p := range components {
		if err := c.link(p); err != nil {
			return err
		}
	}
	s.result("%d compiled, %d there, in %s", len(missing), len(components)-len(missing), c.bin)
	return c.dropOldComponents(key)
}

// compile builds one program and puts it in place in one move, so that a killed
// build leaves nothing that looks whole.
func (c *cluster) compile(ctx context.Context, p component) error {
	path := c.program(p.name)
	args := append(append([]string{"build"}, buildFlags...), "-o", path+".new", p.pkg)
	if _, err := goCommand(ctx, args...); err != nil {
		return fmt.Errorf("compiling %s: %w", p.name, err)
	}
	return os.Rename(path+".new", path)
}

func (c *cluster) link(p component) error {
	for _, name := range p.links {
		err := os.Symlink(p.name, filepath.Join(c.bin, name))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("linking %s: %w", name, err)
		}
	}
	return nil
}

// forgePrefix begins the names of the folders of forges, which do not go with the
// components.
const forgePrefix = "forge-"

// dropOldComponents keeps the programs of this key and of the one used before it.
func (c *cluster) dropOldComponents(key string) error {
	now := time.Now()
	if err := os.Chtimes(c.bin, now, now); err != nil {
		return fmt.Errorf("marking the program folder as used: %w", err)
	}
	entries, err := os.ReadDir(filepath.Dir(c.bin))
	if err != nil {
		return fmt.Errorf("listing program folders: %w", err)
	}
	var folders []fs.FileInfo
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && entry.Name() != key && !strings.HasPrefix(entry.Name(), forgePrefix) {
			folders = append(folders, info)
		}
	}
	slices.SortFunc(folders, func(a, b fs.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	for _, folder := range folders[min(1, len(folders)):] {
		if err := os.RemoveAll(c.places.Bin(folder.Name())); err != nil {
			return fmt.Errorf("removing old programs: %w", err)
		}
	}
	return nil
}

// goCommand runs the go tool in the nested module and returns what it printed.
func goCommand(ctx context.Context, args ...string) (string, error) {
	program := exec.CommandContext(ctx, "go", args...)
	program.Dir = componentsDir
	program.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly")
	return command.Output(program)
}
