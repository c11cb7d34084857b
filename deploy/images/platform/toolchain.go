package platform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headway-dev/headway/pipelines/ociimage"
)

// goToolchain are the layers with this machine's Go, without what a build of
// somebody's program never reads, and with the standard library compiled.
func (a *assembler) goToolchain(ctx context.Context) ([]layer, error) {
	out, err := run(ctx, nil, ".", "go", "env", "-json", "GOROOT", "GOVERSION", "GOARCH")
	if err != nil {
		return nil, err
	}
	var env struct{ GOROOT, GOVERSION, GOARCH string }
	if err := json.Unmarshal([]byte(out), &env); err != nil {
		return nil, fmt.Errorf("reading go env: %w", err)
	}
	// The version file tells distributors' builds of one version apart.
	version, err := os.ReadFile(filepath.Join(env.GOROOT, "VERSION"))
	if err != nil {
		return nil, fmt.Errorf("reading the version of Go: %w", err)
	}
	toolchain := []string{env.GOVERSION, env.GOARCH, string(version)}
	return []layer{
		{large: &largeLayer{key: largeKey("toolchain", toolchain), list: func(context.Context, string) ([]ociimage.File, error) {
			return toolchainFiles(env.GOROOT)
		}}},
		{large: &largeLayer{key: largeKey("gocache", append(toolchain, library...)), list: compiledLibrary}},
	}, nil
}

func largeKey(kind string, inputs []string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %q", format, inputs))
	return kind + "-" + hex.EncodeToString(sum[:])[:16]
}

func toolchainFiles(root string) ([]ociimage.File, error) {
	var files []ociimage.File
	if err := walk(root, ".", &files); err != nil {
		return nil, fmt.Errorf("listing the Go toolchain: %w", err)
	}
	return files, nil
}

// walk follows symbolic links: distributions spread the tree over several places.
func walk(root, folder string, files *[]ociimage.File) error {
	entries, err := os.ReadDir(filepath.Join(root, folder))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		inside := path.Join(folder, entry.Name())
		source := filepath.Join(root, inside)
		info, err := os.Stat(source)
		if err != nil {
			return err
		}
		switch {
		case info.IsDir() && wantedFolder(inside):
			if err := walk(root, inside, files); err != nil {
				return err
			}
		case info.Mode().IsRegular() && !strings.HasSuffix(inside, "_test.go"):
			*files = append(*files, ociimage.File{Path: "/usr/local/go/" + inside, Mode: info.Mode().Perm(), Source: source})
		}
	}
	return nil
}

// wantedFolder drops documentation, tests and the source of Go's own tools.
func wantedFolder(folder string) bool {
	bulk := []string{"api", "doc", "misc", "test", "src/cmd", "pkg/obj", ".git"}
	return !slices.Contains(bulk, folder) && (!strings.HasPrefix(folder, "src/") || path.Base(folder) != "testdata")
}
