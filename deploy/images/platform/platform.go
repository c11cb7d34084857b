// Package platform assembles Headway's own images and puts them into a
// registry: the programs of this module, and the tools that build steps need,
// taken from this machine. No container engine and no base image is used.
//
// It promises that equal inputs give equal images, and that nothing is
// assembled or sent that the registry already has. It needs Linux; the images
// are for this machine's architecture.
package platform

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/headway-dev/headway/deploy/local/layout"
)

// Names of the images, as manifests write them behind "headway/".
const (
	Watcher    = "watcher"
	Controller = "controller"
	Activator  = "activator"
	Autoscaler = "autoscaler"
	Eventing   = "eventing"
	Park       = "park"
	BuildStep  = "buildstep"
	BuilderGo  = "builder-go"
	BuildKit   = "buildkit"
)

// Options say where images come from and go to.
type Options struct {
	// Tools is a folder with buildkitd and buildctl. Default: they are compiled.
	Tools string
	// Registry is where images go, with a path if wanted: registry.example.com/headway.
	Registry string
	// RegistryAddress is dialled instead of the registry's own host when that
	// has no name on this machine. Default: the host itself.
	RegistryAddress string
	// PlainHTTP is set when the registry speaks no https.
	PlainHTTP bool
	// Progress takes a line about something that takes long.
	Progress func(format string, args ...any)
}

// Publish makes sure that the registry has the images and returns, for each
// name, its reference pinned by digest. It runs in the root of the repository.
func Publish(ctx context.Context, options Options) (map[string]string, error) {
	places, err := layout.New()
	if err != nil {
		return nil, err
	}
	target, err := NewRegistry(options.Registry, options.RegistryAddress, options.PlainHTTP)
	if err != nil {
		return nil, err
	}
	defer target.Close()

	a := assembler{options: options, cache: filepath.Join(places.Root, "images")}
	references := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(recipes)) {
		if references[name], err = a.publish(ctx, target, name, recipes[name]); err != nil {
			return nil, fmt.Errorf("publishing image %s: %w", name, err)
		}
	}
	return references, nil
}

// recipe lists what an image holds. It compiles what has to be compiled.
type recipe func(ctx context.Context, a *assembler) (image, error)

var recipes = map[string]recipe{
	Watcher:    server(Watcher),
	Controller: server(Controller),
	Activator:  server(Activator, "supervise"),
	Autoscaler: server(Autoscaler),
	Eventing:   server(Eventing),
	Park:       park,
	BuildStep:  buildStep,
	BuilderGo:  builderGo,
	BuildKit:   buildKit,
}

// assembler carries what several images share during one Publish.
type assembler struct {
	options  Options
	cache    string // folder for compiled programs and large layers
	compiled bool   // the programs of this module are there
}

func (a *assembler) programFolder() string { return filepath.Join(a.cache, "programs") }

// publish assembles and pushes an image unless the registry has it.
func (a *assembler) publish(ctx context.Context, to *Registry, name string, make recipe) (string, error) {
	img, err := make(ctx, a)
	if err != nil {
		return "", err
	}
	tag, err := img.key()
	if err != nil {
		return "", err
	}
	reference, _, err := to.Ensure(ctx, func() (v1.Image, error) {
		a.options.Progress("assembling %s:%s", name, tag)
		return a.assemble(ctx, img)
	}, Place{name, tag})
	return reference, err
}
