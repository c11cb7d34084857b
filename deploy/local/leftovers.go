package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/process"
)

// checkClean fails when anything of the cluster is still on the machine.
func checkClean(ctx context.Context, c *cluster, s *report) error {
	left, err := leftovers(ctx, c.places)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return errors.New("left on the machine: " + strings.Join(left, "; "))
	}
	s.result("no process, mount, interface, chain or cgroup of ours is left")
	return nil
}

// leftovers lists what of the cluster is on the machine.
func leftovers(ctx context.Context, places layout.Layout) ([]string, error) {
	var left []string
	add := func(kind string, names []string, err error) error {
		for _, name := range names {
			left = append(left, kind+" "+name)
		}
		return err
	}
	programs, err := process.Marked()
	if err := add("process", programs, err); err != nil {
		return nil, err
	}
	mounts, err := ourMounts(places)
	if err := add("mount", mounts, err); err != nil {
		return nil, err
	}
	_, cluster, err := net.ParseCIDR(layout.ClusterCIDR)
	if err != nil {
		return nil, err
	}
	interfaces, err := interfacesWith(cluster.Contains)
	if err != nil {
		return nil, err
	}
	for _, ours := range interfaces {
		left = append(left, "interface "+ours.Name)
	}
	for _, family := range []string{"iptables", "ip6tables"} {
		saved, err := savedRules(ctx, family)
		if err != nil {
			return nil, err
		}
		if _, chains := removalScript(saved); chains > 0 {
			left = append(left, fmt.Sprintf("%d chains of %s", chains, family))
		}
	}
	cgroups, err := podCgroups()
	return left, add("cgroup", cgroups, err)
}
