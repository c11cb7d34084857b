package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"

	"github.com/headway-dev/headway/deploy/local/layout"
)

// jumps lead from the kernel's chains into those of our own; everything else in the
// packet filter belongs to others or to Kubernetes (KUBE-).
var jumps = []struct{ table, from, to string }{
	{"nat", "POSTROUTING", "HEADWAY-POSTROUTING"},
	{"filter", "FORWARD", "HEADWAY-FORWARD"},
	{"filter", "INPUT", "HEADWAY-INPUT"},
}

// setUpNetwork makes the interface with the node's addresses, and the packet
// filter rules that pods need.
func setUpNetwork(ctx context.Context, c *cluster, s *report) error {
	if err := noteSysctls(sysctlRoot, c.places.State("sysctls.json")); err != nil {
		return err
	}
	if _, err := net.InterfaceByName(layout.Bridge); err != nil {
		if err := call(ctx, "", "ip", "link", "add", layout.Bridge, "type", "bridge"); err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{"address", "replace", layout.NodeIP + "/32", "dev", layout.Bridge},
		{"address", "replace", layout.DNSIP + "/32", "dev", layout.Bridge},
		{"link", "set", layout.Bridge, "up"},
		// The host reaches services even when it has no default route.
		{"route", "replace", layout.ServiceCIDR, "dev", layout.Bridge, "src", layout.NodeIP},
	} {
		if err := call(ctx, "", "ip", args...); err != nil {
			return err
		}
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0o644); err != nil {
		return fmt.Errorf("switching forwarding on: %w", err)
	}
	rules, err := render("config/iptables.rules", newSettings(c.places))
	if err != nil {
		return err
	}
	if err := call(ctx, string(rules), "iptables-restore", "-w", "--noflush"); err != nil {
		return err
	}
	for _, jump := range jumps {
		if call(ctx, "", "iptables", "-w", "-t", jump.table, "-C", jump.from, "-j", jump.to) == nil {
			continue
		}
		if err := call(ctx, "", "iptables", "-w", "-t", jump.table, "-I", jump.from, "-j", jump.to); err != nil {
			return err
		}
	}
	s.result("%s on %s, pods %s, services %s", layout.NodeIP, layout.Bridge, layout.PodCIDR, layout.ServiceCIDR)
	return nil
}

// outerMTU is the packet size of the machine's way out, so that packets of pods
// fit through it; 1500 when there is none.
func outerMTU(ctx context.Context) int {
	// Sends nothing, only picks the route; the address is one for documentation.
	connection, err := (&net.Dialer{}).DialContext(ctx, "udp4", "203.0.113.1:9")
	if err != nil {
		return 1500
	}
	defer connection.Close()
	interfaces, _ := net.Interfaces() // none: as without a way out
	for _, candidate := range interfaces {
		addresses, _ := candidate.Addrs() // none: it ended while we look
		outer := slices.ContainsFunc(addresses, func(address net.Addr) bool {
			prefix, ok := address.(*net.IPNet)
			return ok && prefix.IP.Equal(connection.LocalAddr().(*net.UDPAddr).IP)
		})
		if outer && candidate.MTU >= 576 {
			return min(candidate.MTU, 1500)
		}
	}
	return 1500
}
