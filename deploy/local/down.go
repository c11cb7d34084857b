package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/process"
)

// downSteps take the cluster away. Each finds what there is by itself, so that they
// work after a killed `up`, after a killed `down`, and when nothing is there.
func downSteps() []step {
	return []step{
		{name: "processes", run: stopProcesses},
		{name: "mounts", run: unmountAll},
		{name: "packet filter", run: removeChains},
		{name: "interfaces", run: removeInterfaces},
		{name: "cgroups", run: removeCgroups},
		{name: "kernel settings", run: restoreSysctls},
		{name: "state", run: removeState},
		{name: "registry", run: trimRegistry},
	}
}

// stopProcesses ends the kubelet first, which would start pods again, then the
// pods, then everything else.
func stopProcesses(ctx context.Context, _ *cluster, s *report) error {
	s.waitFor("the cluster's programs to end")
	// The kubelet is a link to the binary of all Kubernetes programs.
	if err := process.Stop(ctx, "kubelet", "kubernetes", 5*time.Second); err != nil {
		return err
	}
	s.waitFor("the processes of pods to end")
	err := poll(ctx, 20*time.Second, 50*time.Millisecond, func(context.Context) error {
		left, err := killPods()
		if err == nil && left > 0 {
			err = fmt.Errorf("%d processes of pods are still there", left)
		}
		return err
	})
	if err != nil {
		return err
	}
	s.waitFor("the cluster's programs to end")
	// Their state goes too, so none needs long to put it in order.
	return process.StopAll(ctx, 2*time.Second)
}

// unmountAll unmounts what lies below the cluster's folders.
func unmountAll(ctx context.Context, c *cluster, s *report) error {
	count := 0
	// A mount can hide others below the same folder, and one can be gone before we
	// get to it, so look again until none is left.
	return poll(ctx, 10*time.Second, 100*time.Millisecond, func(ctx context.Context) error {
		mounts, err := ourMounts(c.places)
		if err != nil {
			return err
		}
		var failed error
		for _, mount := range mounts {
			if err := call(ctx, "", "umount", "--lazy", mount); err != nil {
				failed = err
				continue
			}
			count++
		}
		s.result("%d unmounted", count)
		if failed == nil && len(mounts) > 0 {
			failed = fmt.Errorf("%d mounts should be gone now", len(mounts))
		}
		return failed
	})
}

func ourMounts(places layout.Layout) ([]string, error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("reading the mounts: %w", err)
	}
	return mountsBelow(string(table), places.State(), layout.Runtime), nil
}

// removeInterfaces removes the node's interface. Those of pods went with the
// pods' network namespaces.
func removeInterfaces(ctx context.Context, _ *cluster, _ *report) error {
	if _, err := net.InterfaceByName(layout.Bridge); err != nil {
		return nil // net has no error of its own for "there is none"
	}
	return call(ctx, "", "ip", "link", "delete", layout.Bridge)
}

// removeState removes the folders of the cluster, and what its programs leave at
// fixed places of the machine.
func removeState(_ context.Context, c *cluster, _ *report) error {
	// What is mounted below belongs to somebody else and must not be deleted.
	if mounts, err := ourMounts(c.places); err != nil || len(mounts) > 0 {
		return errors.Join(err, fmt.Errorf("not removing the state: %q are mounted there", mounts))
	}
	entries, err := os.ReadDir(c.places.State())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("listing the state: %w", err)
	}
	remove := []string{layout.Runtime}
	for _, entry := range entries {
		// The lock stays: this very command holds it.
		if path := c.places.State(entry.Name()); path != c.places.Lock() {
			remove = append(remove, path)
		}
	}
	results, err := filepath.Glob("/var/lib/cni/results/headway-*")
	if err != nil {
		return err
	}
	for _, path := range append(remove, results...) {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("removing the state: %w", err)
		}
	}
	if err := removeDeadLogLinks("/var/log/containers"); err != nil {
		return err
	}
	// Programs make these whatever their settings say. Another Kubernetes on the
	// machine may use them too, so they go only when nothing is in them.
	for _, path := range []string{
		"/var/lib/kubelet/device-plugins/kubelet.sock",
		"/var/lib/kubelet/device-plugins", "/var/lib/kubelet",
		"/var/lib/cni/results", "/var/lib/cni", "/run/containerd/s", "/run/containerd", "/var/log/containers",
	} {
		_ = os.Remove(path)
	}
	return nil
}

// removeDeadLogLinks removes the kubelet's links to logs of containers that are gone.
func removeDeadLogLinks(folder string) error {
	links, err := filepath.Glob(filepath.Join(folder, "*.log"))
	if err != nil {
		return err
	}
	for _, link := range links {
		if _, err := os.Stat(link); errors.Is(err, fs.ErrNotExist) {
			if err := os.Remove(link); err != nil {
				return fmt.Errorf("removing a dead log link: %w", err)
			}
		}
	}
	return nil
}
