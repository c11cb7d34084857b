package platform

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/headway-dev/headway/deploy/local/ociimage"
)

// runC is the layer with this machine's runc and the libraries it is linked to.
// A runc without libseccomp refuses every container with a seccomp profile, and
// a static one with it cannot be compiled without a C toolchain; the
// distribution's is right.
func (a *assembler) runC(ctx context.Context) (layer, error) {
	path, err := exec.LookPath("runc")
	if err != nil {
		return layer{}, fmt.Errorf("the image %s needs runc: install the package runc on this machine", BuildKit)
	}
	libraries, err := a.run(ctx, "/", "ldd", path)
	if err != nil && !strings.Contains(err.Error(), "not a dynamic executable") {
		return layer{}, err
	}
	l := layer{files: []ociimage.File{{Path: "/usr/bin/runc", Mode: 0o755, Source: path}}}
	for _, library := range parseLDD(libraries) {
		l.files = append(l.files, ociimage.File{Path: library, Mode: 0o755, Source: library})
	}
	return l, nil
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
