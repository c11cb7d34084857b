package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// tektonLeftOut are files of Tekton's own manifests that a single machine has no
// use for: autoscaling of the webhook, the sender of Tekton's own cloud events
// (Headway reads runs through the API), and the settings we replace.
var tektonLeftOut = []string{
	"webhook-hpa.yaml", "events.yaml", "config-leader-election-events.yaml",
	"config-feature-flags.yaml", "config-defaults.yaml",
}

// installTekton applies the manifests of the Tekton version that was compiled,
// and waits until it serves.
func installTekton(ctx context.Context, c *cluster, s *report) error {
	// Not `go list`: the module may have gone from the module cache since it was compiled.
	printed, err := goCommand(ctx, "mod", "download", "-json", "github.com/tektoncd/pipeline")
	if err != nil {
		return fmt.Errorf("finding Tekton's manifests: %w", err)
	}
	var module struct{ Dir, Version string }
	if err := json.Unmarshal([]byte(printed), &module); err != nil {
		return fmt.Errorf("finding Tekton's manifests: %w", err)
	}
	manifests, err := readTekton(filepath.Join(module.Dir, "config"))
	if err != nil {
		return err
	}
	objects, err := adaptTekton(manifests, c.image, module.Version)
	if err != nil {
		return err
	}
	settings, err := render("manifests/tekton.yaml", nil)
	if err != nil {
		return err
	}
	s.waitFor("the API server to take Tekton's objects")
	// Config maps pass Tekton's webhook once that is registered, so this fails for
	// as long as the webhook is starting after an interrupted `up`.
	all := slices.Concat(objects, []byte("\n---\n"), settings)
	if err := poll(ctx, 2*time.Minute, time.Second, func(ctx context.Context) error { return c.apply(ctx, all) }); err != nil {
		return err
	}
	for _, name := range []string{"tekton-pipelines-webhook", "tekton-pipelines-controller"} {
		s.waitFor("deployment " + name + " to be available")
		if err := c.kubectl().Rollout(ctx, "tekton-pipelines", "deployment/"+name); err != nil {
			return err
		}
	}
	s.waitFor("Tekton's webhook to answer")
	return poll(ctx, time.Minute, 300*time.Millisecond, func(ctx context.Context) error {
		_, err := c.kubectl().Run(ctx, probeTask, "create", "--dry-run=server", "-f", "-")
		return err
	})
}

// probeTask passes Tekton's defaulting and validation when those work.
const probeTask = `apiVersion: tekton.dev/v1
kind: Task
metadata: {name: probe, namespace: default}
spec: {steps: [{name: nothing, image: none, command: ["/none"]}]}
`

// readTekton joins the manifests in the order of their names: namespace, roles,
// definitions, then the rest.
func readTekton(folder string) ([]byte, error) {
	var files []string
	for _, pattern := range []string{"100-namespace/*.yaml", "2*.yaml", "300-crds/*.yaml", "config-*.yaml", "clusterrole-*.yaml", "500-*.yaml", "controller.yaml", "webhook.yaml"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil || len(found) == 0 {
			return nil, fmt.Errorf("no %s among Tekton's manifests in %s", pattern, folder)
		}
		files = append(files, found...)
	}
	var all [][]byte
	for _, file := range files {
		if slices.Contains(tektonLeftOut, filepath.Base(file)) {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading Tekton's manifests: %w", err)
		}
		all = append(all, content)
	}
	return bytes.Join(all, []byte("\n---\n")), nil
}

var (
	tektonImage = regexp.MustCompile(`ko://github\.com/tektoncd/pipeline/cmd/([a-z]+)`)
	shellImage  = regexp.MustCompile(`"-shell-image", "[^"]+"`)
	probeDelay  = regexp.MustCompile(`initialDelaySeconds: \d+`)
	noVersion   = regexp.MustCompile(`"devel"`)
)

// adaptTekton puts our images and the version in place of those that a release would
// have, and sets the controller up for short waits instead of a busy shared cluster.
func adaptTekton(manifests []byte, image func(name string) string, version string) ([]byte, error) {
	text := string(manifests)
	for _, match := range tektonImage.FindAllStringSubmatch(text, -1) {
		name := "tekton-" + match[1]
		if !slices.ContainsFunc(programImages, func(made programImage) bool { return made.name == name }) {
			return nil, fmt.Errorf("no image is compiled here for Tekton's %s", match[1])
		}
		text = strings.ReplaceAll(text, match[0], image(name))
	}
	for _, edit := range []struct {
		what    string
		pattern *regexp.Regexp
		with    string
	}{
		{"shell image", shellImage, `"-kube-api-qps", "200", "-kube-api-burst", "400", "-shell-image", "` + image("busybox") + `"`},
		{"probes", probeDelay, `initialDelaySeconds: 0`},
		{"version", noVersion, `"` + version + `"`},
	} {
		if !edit.pattern.MatchString(text) {
			return nil, fmt.Errorf("no %s in the manifests of this version of Tekton", edit.what)
		}
		text = edit.pattern.ReplaceAllLiteralString(text, edit.with)
	}
	return []byte(text), nil
}
