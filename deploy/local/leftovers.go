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
	for _, look := range []struct {
		kind  string
		names func() ([]string, error)
	}{
		{"process", process.Marked},
		{"mount", func() ([]string, error) { return ourMounts(places) }},
		{"interface", ourInterfaces},
		{"cgroup", podCgroups},
	} {
		names, err := look.names()
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			left = append(left, look.kind+" "+name)
		}
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
	return left, nil
}

// ourInterfaces are those with an address of the cluster.
func ourInterfaces() (names []string, err error) {
	_, cluster, err := net.ParseCIDR(layout.ClusterCIDR)
	if err != nil {
		return nil, err
	}
	interfaces, err := interfacesWith(cluster.Contains)
	for _, ours := range interfaces {
		names = append(names, ours.Name)
	}
	return names, err
}
