package platform

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/headway-dev/headway/pipelines/ociimage"
)

// nonRoot is the user that servers run as; build steps choose theirs in the Task.
const nonRoot = "65532:65532"

// Bundles are the places where distributions keep the certificates they trust.
var Bundles = []string{
	"/etc/ssl/certs/ca-certificates.crt", // Debian, Alpine
	"/etc/pki/tls/certs/ca-bundle.crt",   // Fedora
	"/etc/ssl/ca-bundle.pem",             // openSUSE
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem", // Alpine's older place
}

// base is what every image starts with: the users, a folder for temporary files
// and the certificates that this machine trusts.
func base() (layer, error) {
	for _, bundle := range Bundles {
		if _, err := os.Stat(bundle); err == nil {
			return layer{files: []ociimage.File{
				{Path: "/etc/passwd", Data: []byte("root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/tmp:/sbin/nologin\n")},
				{Path: "/etc/group", Data: []byte("root:x:0:\nnonroot:x:65532:\n")},
				{Path: "/etc/ssl/certs/ca-certificates.crt", Source: bundle},
				{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
			}}, nil
		}
	}
	return layer{}, fmt.Errorf("this machine has no CA certificates (looked for %v): install the package ca-certificates", Bundles)
}

// server is the recipe of a long-running program of this module. Others that it
// needs lie beside it.
func server(name string, others ...string) recipe {
	return func(ctx context.Context, a *assembler) (image, error) {
		common, err := base()
		if err != nil {
			return image{}, err
		}
		programs, err := a.programs(ctx, append([]string{name}, others...)...)
		if err != nil {
			return image{}, err
		}
		return image{
			layers: []layer{common, programs},
			config: ociimage.Spec{Entrypoint: []string{"/headway/" + name}, User: nonRoot, WorkingDir: "/"},
		}, nil
	}
}

// park holds one file: the image is mounted into pods of apps.
func park(ctx context.Context, a *assembler) (image, error) {
	program, err := a.programs(ctx, Park)
	return image{layers: []layer{program}, config: ociimage.Spec{Entrypoint: []string{"/headway/" + Park}}}, err
}

// stepImage puts the tools of a build step under the common layers; the tools
// change least.
func (a *assembler) stepImage(ctx context.Context, env []string, tools ...layer) (image, error) {
	common, err := base()
	if err != nil {
		return image{}, err
	}
	steps, err := a.programs(ctx, "buildstep", "staticserver")
	if err != nil {
		return image{}, err
	}
	return image{
		layers: append(tools, common, steps),
		config: ociimage.Spec{Entrypoint: []string{"/headway/buildstep"}, Env: env, WorkingDir: "/"},
	}, nil
}

func buildStep(ctx context.Context, a *assembler) (image, error) {
	return a.stepImage(ctx, []string{"PATH=/usr/bin:/bin", "HOME=/tmp"})
}

func builderGo(ctx context.Context, a *assembler) (image, error) {
	toolchain, err := a.goToolchain(ctx)
	if err != nil {
		return image{}, err
	}
	compiler, err := a.cToolchain(ctx)
	if err != nil {
		return image{}, err
	}
	git, err := git(ctx)
	if err != nil {
		return image{}, err
	}
	return a.stepImage(ctx, []string{"PATH=/usr/local/go/bin:/usr/bin:/bin", "HOME=/tmp"}, append(slices.Concat(compiler, toolchain), git)...)
}

func buildKit(ctx context.Context, a *assembler) (image, error) {
	tools, err := runC(ctx)
	if err != nil {
		return image{}, err
	}
	for _, name := range []string{"buildkitd", "buildctl"} {
		path, err := a.buildKitTool(ctx, name)
		if err != nil {
			return image{}, err
		}
		tools.files = append(tools.files, ociimage.File{Path: "/usr/bin/" + name, Mode: 0o755, Source: path})
	}
	return a.stepImage(ctx, []string{"PATH=/usr/bin:/bin", "HOME=/tmp"}, tools)
}
