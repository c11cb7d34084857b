package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/process"
)

// systemPath is the program path of daemons: the caller's own says nothing about the
// machine, and a change of it is no reason to restart anything.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// startContainerd starts the container runtime.
func startContainerd(ctx context.Context, c *cluster, s *report) error {
	values := newSettings(c.places)
	values.PauseImage, values.MTU = c.image("pause"), outerMTU(ctx)
	if _, err := c.writeConfig("cni.conflist", "cni/10-headway.conflist", values); err != nil {
		return err
	}
	// What the cluster calls the registry is found at the host's address.
	for _, name := range []string{layout.RegistryHost, layout.RegistryEndpoint} {
		if _, err := c.writeConfig("hosts.toml", "certs.d/"+name+"/hosts.toml", values); err != nil {
			return err
		}
	}
	config, err := c.writeConfig("containerd.toml", "containerd.toml", values)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(layout.Runtime, 0o711); err != nil {
		return fmt.Errorf("making the runtime folder: %w", err)
	}
	return c.launch(ctx, s, process.Program{
		Name: "containerd",
		Args: []string{"--config=" + config, "--log-level=warn"},
		// The shim is looked up in the path.
		Env:     []string{"PATH=" + c.bin + ":" + systemPath},
		Configs: []string{config},
	}, func(ctx context.Context) error {
		return exec.CommandContext(ctx, c.program("ctr"), "--address", layout.Containerd(), "version").Run()
	})
}

// startKubelet starts the node's agent and waits until the node is ready.
func startKubelet(ctx context.Context, c *cluster, s *report) error {
	if err := makeCgroups(); err != nil {
		return err
	}
	values := newSettings(c.places)
	values.ResolvConf, _ = resolvConf(os.ReadFile)
	config, err := c.writeConfig("kubelet.yaml", "kubelet.yaml", values)
	if err != nil {
		return err
	}
	err = c.launch(ctx, s, process.Program{
		Name: "kubelet",
		Args: []string{
			"--config=" + config, "--kubeconfig=" + c.kubeconfig("kubelet"),
			"--root-dir=" + c.places.State("kubelet"), "--cert-dir=" + c.places.State("pki"),
			"--hostname-override=" + layout.NodeName, "--node-ip=" + layout.NodeIP,
		},
		Configs: []string{config, c.kubeconfig("kubelet")},
	}, c.answers("http://"+layout.NodeIP+":10248/healthz"))
	if err != nil {
		return err
	}
	s.waitFor("the node to be ready")
	return poll(ctx, 2*time.Minute, 200*time.Millisecond, func(ctx context.Context) error {
		ready, err := c.kubectl().Run(ctx, "", "get", "node", layout.NodeName,
			"-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Ready")].message}`)
		if err == nil && !strings.HasPrefix(ready, "True") {
			err = errors.New("the node is not ready: " + ready)
		}
		return err
	})
}

// startProxy starts the program behind services and node ports.
func startProxy(ctx context.Context, c *cluster, s *report) error {
	config, err := c.writeConfig("kube-proxy.yaml", "kube-proxy.yaml", newSettings(c.places))
	if err != nil {
		return err
	}
	return c.launch(ctx, s, process.Program{
		Name: "kube-proxy", Args: []string{"--config=" + config},
		Configs: []string{config, c.kubeconfig("kube-proxy")},
	}, c.answers("http://"+layout.NodeIP+":10256/healthz"))
}
