package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/headway-dev/headway/deploy/images/platform"
)

// install does everything, and tells about it line by line.
func install(ctx context.Context, s settings, out io.Writer) error {
	if err := s.complete(); err != nil {
		return err
	}
	if runtime.GOOS != "linux" {
		return fmt.Errorf("the images are made of this machine's programs and need Linux, this is %s; run it in a Linux machine or container", runtime.GOOS)
	}
	tell := func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) }
	k, err := findKubectl()
	if err != nil {
		return err
	}
	// What is missing is said before minutes go into images.
	if err := checkCluster(ctx, k); err != nil {
		return err
	}
	tell("the cluster answers and has Tekton")

	references, err := platform.Publish(ctx, platform.Options{
		Tools: s.tools, Registry: s.registry, RegistryAddress: s.registryAddress, PlainHTTP: s.plainHTTP, Progress: tell,
	})
	if err != nil {
		return err
	}
	tell("%d images in %s", len(references), s.registry)

	keys, err := findParkKeys(ctx, k)
	if err != nil {
		return err
	}
	peers, err := findPeerPassword(ctx, k, s)
	if err != nil {
		return err
	}
	objects, err := render(s, keys, peers, references)
	if err != nil {
		return err
	}
	tell("applying the manifests")
	if err := k.Apply(ctx, "headway-install", objects); err != nil {
		return err
	}
	for _, name := range []string{"deployment/headway-watcher", "deployment/headway-controller", "deployment/headway-autoscaler", "deployment/headway-activator", "statefulset/headway-eventing"} {
		tell("waiting for %s", name)
		if err := k.Rollout(ctx, system, name); err != nil {
			return err
		}
	}
	if err := dropOldSettings(ctx, k, objects); err != nil {
		return err
	}
	tell("%s", next(s))
	return nil
}

// next says what to do after the installation. On the local cluster, `make up`
// goes on by itself.
func next(s settings) string {
	if s.domain == "localhost" {
		return "Headway is installed"
	}
	return strings.Join([]string{
		"Headway is installed", "", "next:",
		"  let *." + s.domain + " reach the Service headway-activator in headway-system (load balancer, Ingress or Gateway)",
		"  let your forge's webhooks reach /webhook of the Service headway-webhook (optional: they save the wait for the next look)",
		"  go run ./cmd/headway repo add https://…   watch a repository",
		"  go run ./cmd/headway status               see what is live",
	}, "\n")
}
