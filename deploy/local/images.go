package main

import (
	"context"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/headway-dev/headway/deploy/command"
	"github.com/headway-dev/headway/deploy/images/platform"
	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/pipelines/ociimage"
)

// nonRoot is the user that programs without need for rights run as.
const nonRoot = "65532:65532"

// programImage holds one compiled program of its name.
type programImage struct{ name, entrypoint, user string }

var programImages = []programImage{
	{"pause", "/pause", "65535:65535"},
	{"tekton-controller", "/ko-app/controller", nonRoot},
	{"tekton-webhook", "/ko-app/webhook", nonRoot},
	// Tekton itself calls this path in its init container.
	{"tekton-entrypoint", "/ko-app/entrypoint", nonRoot},
	{"tekton-nop", "/ko-app/nop", nonRoot},
	{"tekton-workingdirinit", "/ko-app/workingdirinit", nonRoot},
	{"tekton-sidecarlogresults", "/ko-app/sidecarlogresults", nonRoot},
}

// image is the reference of an image by its name.
func (c *cluster) image(name string) string {
	return layout.RegistryHost + "/headway/" + name + ":" + c.imageTag()
}

// imageTag is the name of the folder of programs: a hash over everything that goes
// into them.
func (c *cluster) imageTag() string { return filepath.Base(c.bin) }

// pushBaseImages makes sure that the registry has the images that Kubernetes and
// Tekton need.
func pushBaseImages(ctx context.Context, c *cluster, s *report) error {
	to, err := platform.NewRegistry(layout.RegistryHost, layout.RegistryEndpoint, true)
	if err != nil {
		return err
	}
	defer to.Close()
	pushed := 0
	ensure := func(spec func() (ociimage.Spec, error), places ...platform.Place) error {
		_, sent, err := to.Ensure(ctx, func() (v1.Image, error) {
			s.waitFor("image " + places[0].Image + " to be assembled and pushed")
			holds, err := spec()
			if err != nil {
				return nil, err
			}
			return ociimage.Build(ctx, holds)
		}, places...)
		if sent {
			pushed++
		}
		return err
	}
	for _, image := range programImages {
		err := ensure(func() (ociimage.Spec, error) {
			return ociimage.Spec{
				Layers:     []ociimage.Layer{{Files: []ociimage.File{{Path: image.entrypoint, Source: c.program(image.name), Mode: 0o755}}}},
				Entrypoint: []string{image.entrypoint},
				User:       image.user,
			}, nil
		}, platform.Place{Image: "headway/" + image.name, Tag: c.imageTag()})
		if err != nil {
			return err
		}
	}
	// The second name is what a Dockerfile's `FROM busybox` comes to through the mirror.
	err = ensure(func() (ociimage.Spec, error) { return busybox(ctx) },
		platform.Place{Image: "headway/busybox", Tag: c.imageTag()}, platform.Place{Image: "library/busybox", Tag: "latest"})
	s.result("%d images pushed, %d there", pushed, len(programImages)+1-pushed)
	return err
}

// busybox is Debian's static busybox with a link for each of its commands.
func busybox(ctx context.Context) (ociimage.Spec, error) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return ociimage.Spec{}, fmt.Errorf("finding busybox: %w", err)
	}
	list, err := command.Output(exec.CommandContext(ctx, path, "--list"))
	if err != nil {
		return ociimage.Spec{}, err
	}
	files := []ociimage.File{
		{Path: "/bin/busybox", Source: path, Mode: 0o755},
		{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Path: "/root", Mode: fs.ModeDir | 0o700},
		{Path: "/etc/passwd", Data: []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")},
		{Path: "/etc/group", Data: []byte("root:x:0:\nnogroup:x:65534:\n")},
	}
	for _, applet := range strings.Fields(list) {
		if applet != "busybox" {
			files = append(files, ociimage.File{Path: "/bin/" + applet, Link: "busybox"})
		}
	}
	return ociimage.Spec{
		Layers: []ociimage.Layer{{Files: files}},
		Cmd:    []string{"/bin/sh"},
		Env:    []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
	}, nil
}
