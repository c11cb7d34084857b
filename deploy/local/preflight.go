package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// host is what the preflight looks at.
type host struct {
	os   string
	root bool
}

func hostFacts() host { return host{os: runtime.GOOS, root: os.Geteuid() == 0} }

// checkMachine says whether a local cluster can run here at all.
func checkMachine(h host) error {
	const alternative = "or use any cluster you have: set KUBECONFIG and run `make deploy`"
	switch {
	case h.os != "linux":
		return fmt.Errorf("the local cluster runs Kubernetes straight on this machine and needs Linux, this is %s; use a Linux machine, %s", h.os, alternative)
	case !h.root:
		return errors.New("the local cluster runs Kubernetes straight on this machine and needs root; run it as root, " + alternative)
	}
	return nil
}

// packages maps each program that the cluster needs from the distribution to the
// Debian package that has it.
var packages = []struct{ program, pkg string }{
	{"runc", "runc"},
	{"/usr/lib/cni/ptp", "containernetworking-plugins"},
	{"iptables", "iptables"},
	{"conntrack", "conntrack"},
	{"ip", "iproute2"},
	{"busybox", "busybox-static"},
	{"git", "git"},
	{"mount", "mount"},
}

// missingPackages lists the packages whose program was not found.
func missingPackages(found func(program string) bool) (programs, debian []string) {
	for _, p := range packages {
		if !found(p.program) {
			programs, debian = append(programs, p.program), append(debian, p.pkg)
		}
	}
	return programs, debian
}

// installPackages installs what is missing with apt; another distribution gets
// told what to install.
func installPackages(ctx context.Context, _ *cluster, s *report) error {
	exists := func(program string) bool { _, err := exec.LookPath(program); return err == nil }
	programs, debian := missingPackages(exists)
	if len(debian) == 0 {
		return nil
	}
	if !exists("apt-get") {
		return fmt.Errorf("these programs are missing and there is no apt-get to install them: %s; install them with your distribution's package manager", strings.Join(programs, ", "))
	}
	s.waitFor("apt-get to install " + strings.Join(debian, " "))
	install := append([]string{"DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends"}, debian...)
	if command(ctx, "", "env", install...) == nil {
		return nil
	}
	// A fresh machine has no package lists, or old ones.
	if err := command(ctx, "", "apt-get", "update"); err != nil {
		return err
	}
	return command(ctx, "", "env", install...)
}
