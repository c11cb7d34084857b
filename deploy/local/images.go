package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/headway-dev/headway/deploy/images/platform"
	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/pipelines/ociimage"
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

// pushBaseImages makes sure that the registry has the images that Kubernetes and
// Tekton need.
func pushBaseImages(ctx context.Context, c *cluster, s *report) error {
	registry, err := platform.NewRegistry(layout.RegistryEndpoint, layout.RegistryEndpoint, true)
	if err != nil {
		return err
	}
	defer registry.Close()
	pushed, err := c.pushedImages(ctx, registry)
	if err != nil {
		return err
	}
	if c.images = pushed; c.images != nil {
		s.result("%d images there", len(c.images))
		return nil
	}
	c.images = map[string]string{}
	for _, image := range programImages {
		spec := ociimage.Spec{
			Layers:     []ociimage.Layer{{Files: []ociimage.File{{Path: image.entrypoint, Source: c.program(image.program), Mode: 0o755}}}},
			Entrypoint: []string{image.entrypoint},
			User:       image.user,
		}
		if err := c.push(ctx, registry, s, image.name, spec); err != nil {
			return err
		}
	}
	shell, err := busybox(ctx)
	if err != nil {
		return err
	}
	if err := c.push(ctx, registry, s, "busybox", shell); err != nil {
		return err
	}
	// The name that a Dockerfile's `FROM busybox` comes to through the mirror.
	image, err := ociimage.Build(ctx, shell)
	if err != nil {
		return err
	}
	if _, err := registry.Push(ctx, "library/busybox", "latest", image); err != nil {
		return err
	}
	s.result("%d images pushed", len(c.images))
	return c.noteImages()
}

// push pushes one image under headway/, tagged by its digest, and notes its
// reference.
func (c *cluster) push(ctx context.Context, registry *platform.Registry, s *report, name string, spec ociimage.Spec) error {
	s.waitFor("image " + name + " to be assembled and pushed")
	image, err := ociimage.Build(ctx, spec)
	if err != nil {
		return fmt.Errorf("assembling image %s: %w", name, err)
	}
	digest, err := image.Digest()
	if err != nil {
		return fmt.Errorf("naming image %s: %w", name, err)
	}
	tag := digest.Hex[:16]
	if _, err := registry.Push(ctx, "headway/"+name, tag, image); err != nil {
		return err
	}
	c.images[name] = layout.RegistryHost + "/headway/" + name + ":" + tag
	return nil
}

// imagesNote lies beside the programs: the images hold exactly those, so a note
// there stays true for as long as the folder does.
const imagesNote = "images.json"

func (c *cluster) noteImages() error {
	encoded, err := json.Marshal(c.images)
	if err != nil {
		return err
	}
	temporary := c.program(imagesNote + ".new")
	if err := os.WriteFile(temporary, encoded, 0o644); err != nil {
		return fmt.Errorf("noting the images: %w", err)
	}
	return os.Rename(temporary, c.program(imagesNote))
}

// pushedImages are the noted images when the registry still has each of them, and
// nil otherwise.
func (c *cluster) pushedImages(ctx context.Context, registry *platform.Registry) (map[string]string, error) {
	content, err := os.ReadFile(c.program(imagesNote))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the noted images: %w", err)
	}
	var noted map[string]string
	if json.Unmarshal(content, &noted) != nil || len(noted) != len(programImages)+1 {
		return nil, nil
	}
	references := append(slices.Collect(maps.Values(noted)), layout.RegistryHost+"/library/busybox:latest")
	for _, reference := range references {
		image, tag, _ := strings.Cut(strings.TrimPrefix(reference, layout.RegistryHost+"/"), ":")
		_, present, err := registry.Find(ctx, image, tag)
		if err != nil || !present {
			return nil, err
		}
	}
	return noted, nil
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
