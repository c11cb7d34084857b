package main

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"

	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/process"
)

// startDNS starts the cluster's name server as a process on its service address:
// it needs no pod, and names resolve before the first one runs.
func startDNS(ctx context.Context, c *cluster, s *report) error {
	path, content := resolvConf(os.ReadFile)
	values := newSettings(c.places)
	if values.Resolvers = nameservers(content); len(values.Resolvers) == 0 {
		return errors.New("no usable name server in " + path + ": pods could not resolve outer names")
	}
	config, err := c.writeConfig("Corefile", "Corefile", values)
	if err != nil {
		return err
	}
	return c.launch(ctx, s, process.Program{
		Name: "coredns", Args: []string{"-conf", config},
		Configs: []string{config, c.kubeconfig("coredns")},
	}, c.answers("http://"+layout.NodeIP+":8053/ready"))
}

// resolvConf finds the file with the machine's real name servers: with
// systemd-resolved /etc/resolv.conf names only its stub on loopback, which a pod
// cannot reach.
func resolvConf(read func(string) ([]byte, error)) (path, content string) {
	for _, path := range []string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"} {
		content, err := read(path)
		if err == nil && len(nameservers(string(content))) > 0 {
			return path, string(content)
		}
	}
	return "/etc/resolv.conf", ""
}

// nameservers lists the addresses of a resolv.conf, leaving out those on loopback,
// which mean something else in every network namespace.
func nameservers(content string) []string {
	var found []string
	for line := range strings.Lines(content) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "nameserver" {
			continue
		}
		address, err := netip.ParseAddr(fields[1])
		if err == nil && !address.IsLoopback() {
			found = append(found, address.String())
		}
	}
	return found
}
