package platform

import (
	"context"
	"fmt"
	"os/exec"
	"path"
	"slices"
	"strings"

	"github.com/headway-dev/headway/pipelines/ociimage"
)

// runC is the layer with this machine's runc and the libraries it is linked to.
// A runc without libseccomp refuses every container with a seccomp profile, and
// a static one with it cannot be compiled without a C toolchain; the
// distribution's is right.
func runC(ctx context.Context) (layer, error) {
	program, err := exec.LookPath("runc")
	if err != nil {
		return layer{}, fmt.Errorf("the image %s needs runc: install the package runc on this machine", BuildKit)
	}
	l, err := libraryLayer(ctx, program)
	l.files = append(l.files, ociimage.File{Path: "/usr/bin/runc", Mode: 0o755, Source: program})
	return l, err
}

// git is the layer with this machine's git, as far as it fetches by https.
func git(ctx context.Context) (layer, error) {
	program, err := exec.LookPath("git")
	if err != nil {
		return layer{}, fmt.Errorf("the image %s needs git: install the package git on this machine", BuilderGo)
	}
	folder, err := run(ctx, nil, "/", program, "--exec-path")
	if err != nil {
		return layer{}, err
	}
	helper := path.Join(strings.TrimSpace(folder), "git-remote-http")
	l, err := libraryLayer(ctx, program, helper)
	l.files = append(l.files,
		ociimage.File{Path: "/usr/bin/git", Mode: 0o755, Source: program},
		ociimage.File{Path: helper, Mode: 0o755, Source: helper},
		ociimage.File{Path: helper + "s", Link: helper})
	return l, err
}

// libraryLayer holds the libraries that programs are linked to.
func libraryLayer(ctx context.Context, programs ...string) (layer, error) {
	libraries, err := libraries(ctx, programs)
	var l layer
	for _, library := range libraries {
		l.files = append(l.files, ociimage.File{Path: library, Mode: 0o755, Source: library})
	}
	return l, err
}

// libraries are the shared libraries that programs run on, each once.
func libraries(ctx context.Context, programs []string) ([]string, error) {
	var found []string
	for _, program := range programs {
		output, err := run(ctx, nil, "/", "ldd", program)
		if err != nil && !strings.Contains(err.Error(), "not a dynamic executable") {
			return nil, err
		}
		found = append(found, parseLDD(output)...)
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// parseLDD lists the files in the output of ldd: the loader, and what stands
// right of an arrow. The kernel's vDSO has no file.
func parseLDD(output string) []string {
	var paths []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if _, right, ok := strings.Cut(line, "=> "); ok {
			line = right
		}
		if path, _, ok := strings.Cut(line, " ("); ok && strings.HasPrefix(path, "/") {
			paths = append(paths, path)
		}
	}
	return paths
}
