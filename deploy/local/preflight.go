package main

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// checkMachine reports whether a local cluster can run on such a system, for such a
// user, at all.
func checkMachine(system string, user int) error {
	const alternative = "or use any cluster you have: set KUBECONFIG and run `make deploy`"
	switch {
	case system != "linux":
		return fmt.Errorf("the local cluster runs Kubernetes straight on this machine and needs Linux, this is %s; use a Linux machine, %s", system, alternative)
	case user != 0:
		return errors.New("the local cluster runs Kubernetes straight on this machine and needs root; run it as root, " + alternative)
	}
	return nil
}

// cniDirs are where distributions put the plugins that make pods' networks.
var cniDirs = []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"}

// packages maps each program that the cluster needs from the distribution to the
// Debian package that has it.
var packages = []struct{ program, pkg string }{
	{"runc", "runc"},
	{"ptp", "containernetworking-plugins"},
	{"iptables", "iptables"},
	{"conntrack", "conntrack"},
	{"ip", "iproute2"},
	{"busybox", "busybox-static"},
	{"git", "git"},
	{"mount", "mount"},
	{"gcc", "gcc"},
	{"libc.a", "libc6-dev"},
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

// installed reports whether the machine has a program in the form that is needed.
func installed(ctx context.Context, program string) bool {
	switch program {
	case "ptp":
		return slices.ContainsFunc(cniDirs, func(dir string) bool {
			_, err := os.Stat(filepath.Join(dir, program))
			return err == nil
		})
	case "gcc", "libc.a":
		if _, err := exec.LookPath("dpkg-query"); err != nil {
			return true // only Debian's compiler goes into the image for builds
		}
		// gcc prints the bare name of a library that it cannot find.
		found, err := exec.CommandContext(ctx, "gcc", "-print-file-name=libc.a").Output()
		return err == nil && (program == "gcc" || filepath.IsAbs(strings.TrimSpace(string(found))))
	case "busybox":
		// It goes into an image alone, without the libraries of this machine.
		path, err := exec.LookPath(program)
		return err == nil && static(path)
	}
	_, err := exec.LookPath(program)
	return err == nil
}

// static reports whether a program runs without a loader.
func static(path string) bool {
	file, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	return !slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
}

// installPackages installs what is missing with apt; another distribution gets
// told what to install.
func installPackages(ctx context.Context, _ *cluster, s *report) error {
	programs, debian := missingPackages(func(program string) bool { return installed(ctx, program) })
	if len(debian) == 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("these programs are missing and there is no apt-get to install them: %s; install them with your distribution's package manager", strings.Join(programs, ", "))
	}
	s.waitFor("apt-get to install " + strings.Join(debian, " "))
	install := append([]string{"DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends"}, debian...)
	if call(ctx, "", "env", install...) == nil {
		return nil
	}
	// A fresh machine has no package lists, or old ones.
	if err := call(ctx, "", "apt-get", "update"); err != nil {
		return err
	}
	return call(ctx, "", "env", install...)
}
