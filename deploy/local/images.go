package main

import (
	"context"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"

	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/ociimage"
)

// nonRoot is the user that programs without need for rights run as.
const nonRoot = "65532:65532"

// programImages are the images that hold one compiled program each.
var programImages = []struct{ name, program, entrypoint, user string }{
	{"pause", "pause", "/pause", "65535:65535"},
	{"tekton-controller", "tekton-controller", "/ko-app/controller", nonRoot},
	{"tekton-webhook", "tekton-webhook", "/ko-app/webhook", nonRoot},
	// Tekton itself calls this path in its init container.
	{"tekton-entrypoint", "tekton-entrypoint", "/ko-app/entrypoint", nonRoot},
	{"tekton-nop", "tekton-nop", "/ko-app/nop", nonRoot},
	{"tekton-workingdirinit", "tekton-workingdirinit", "/ko-app/workingdirinit", nonRoot},
	{"tekton-sidecarlogresults", "tekton-sidecarlogresults", "/ko-app/sidecarlogresults", nonRoot},
}

// pushBaseImages assembles the images that Kubernetes and Tekton need and pushes
// those that the registry does not have.
func pushBaseImages(ctx context.Context, c *cluster, s *report) error {
	c.images = map[string]string{}
	for _, image := range programImages {
		spec := ociimage.Spec{
			Layers:     []ociimage.Layer{{Files: []ociimage.File{{Path: image.entrypoint, Source: c.program(image.program), Mode: 0o755}}}},
			Entrypoint: []string{image.entrypoint},
			User:       image.user,
		}
		if err := c.push(ctx, s, image.name, spec); err != nil {
			return err
		}
	}
	shell, err := busybox(ctx)
	if err != nil {
		return err
	}
	if err := c.push(ctx, s, "busybox", shell); err != nil {
		return err
	}
	// The name that a Dockerfile's `FROM busybox` comes to through the mirror.
	image, err := ociimage.Build(ctx, shell)
	if err != nil {
		return err
	}
	if err := ociimage.Push(ctx, layout.RegistryEndpoint, "library/busybox", "latest", image); err != nil {
		return err
	}
	s.result("%d images in %s", len(c.images), layout.RegistryHost)
	return nil
}

// push pushes one image under headway/ and notes its reference.
func (c *cluster) push(ctx context.Context, s *report, name string, spec ociimage.Spec) error {
	s.waitFor("image " + name + " to be assembled and pushed")
	image, err := ociimage.Build(ctx, spec)
	if err != nil {
		return fmt.Errorf("assembling image %s: %w", name, err)
	}
	tag, err := ociimage.Tag(image)
	if err != nil {
		return fmt.Errorf("naming image %s: %w", name, err)
	}
	if err := ociimage.Push(ctx, layout.RegistryEndpoint, "headway/"+name, tag, image); err != nil {
		return err
	}
	c.images[name] = layout.RegistryHost + "/headway/" + name + ":" + tag
	return nil
}

// busybox is Debian's static busybox with a link for each of its commands.
func busybox(ctx context.Context) (ociimage.Spec, error) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return ociimage.Spec{}, fmt.Errorf("finding busybox: %w", err)
	}
	list, err := exec.CommandContext(ctx, path, "--list").Output()
	if err != nil {
		return ociimage.Spec{}, fmt.Errorf("listing the commands of busybox: %w", err)
	}
	files := []ociimage.File{
		{Path: "/bin/busybox", Source: path, Mode: 0o755},
		{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Path: "/root", Mode: fs.ModeDir | 0o700},
		{Path: "/etc/passwd", Data: []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")},
		{Path: "/etc/group", Data: []byte("root:x:0:\nnogroup:x:65534:\n")},
	}
	for _, applet := range strings.Fields(string(list)) {
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
