//go:build lifecycle

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/deploy/local/layout"
	"github.com/headway-dev/headway/deploy/local/process"
)

// TestLifecycle takes the machine's local cluster down, kills `up` in the middle
// again and again, and wants the machine to be as it was after `down`, and the
// cluster to be whole after `up`. It leaves the cluster up.
func TestLifecycle(t *testing.T) {
	local := filepath.Join(t.TempDir(), "local")
	if out, err := exec.Command("go", "build", "-o", local, ".").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	t.Chdir("../..")
	run := func(args ...string) string {
		t.Helper()
		start := time.Now()
		out, err := exec.Command(local, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		t.Logf("%v took %.1fs", args, time.Since(start).Seconds())
		return string(out)
	}

	run("down")
	before := machine(t)
	run("components") // so that the kills below hit the cluster, not the compiler
	for _, after := range []time.Duration{300 * time.Millisecond, time.Second, 3 * time.Second, 6 * time.Second, 10 * time.Second, 15 * time.Second} {
		killAfter(t, after, local, "up")
	}
	run("down")
	if diff := cmp.Diff(before, machine(t)); diff != "" {
		t.Fatalf("down after a killed up left something (-before +after):\n%s", diff)
	}
	run("down") // once more is no error

	killAfter(t, 12*time.Second, local, "up")
	run("up")
	start := time.Now()
	again := run("up")
	if elapsed := time.Since(start); elapsed > time.Minute {
		t.Errorf("the second up took %s, want at most a minute", elapsed)
	}
	if !strings.Contains(again, " 0 compiled") {
		t.Errorf("the second up compiled something:\n%s", again)
	}
	for _, program := range []string{"etcd", "api server", "containerd", "kubelet", "kube-proxy"} {
		if !slices.ContainsFunc(strings.Split(again, "\n"), func(line string) bool {
			return strings.Contains(line, program) && strings.Contains(line, "running already")
		}) {
			t.Errorf("the second up started %s anew:\n%s", program, again)
		}
	}
	checkListeners(t)
}

// killAfter starts the program and kills it with SIGKILL after the time.
func killAfter(t *testing.T, after time.Duration, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	if ctx.Err() == nil {
		t.Fatalf("%v ended before it was killed: %v\n%s", args, err, out)
	}
}

// machine lists what a cluster could leave behind.
func machine(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		addresses, err := i.Addrs()
		if err != nil {
			t.Fatal(err)
		}
		found["interfaces"] = append(found["interfaces"], fmt.Sprint(i.Name, addresses))
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	found["mounts"] = mountsBelow(string(mounts), "")
	for _, family := range []string{"iptables", "ip6tables"} {
		rules, err := savedRules(t.Context(), family)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(rules) {
			// The kernel's own chains come into being when somebody looks at them.
			if strings.HasPrefix(line, "-A") || strings.HasPrefix(line, ":") && strings.Contains(line, " - ") {
				found[family] = append(found[family], line)
			}
		}
	}
	for _, name := range sysctls {
		content, _ := os.ReadFile(filepath.Join(sysctlRoot, name))
		found["kernel settings"] = append(found["kernel settings"], name+"="+strings.TrimSpace(string(content)))
	}
	if found["cgroups"], err = podCgroups(); err != nil {
		t.Fatal(err)
	}
	if found["processes"], err = process.Marked(); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{layout.Runtime, "/run/containerd", "/var/lib/kubelet", "/var/lib/cni", "/run/netns", "/var/log/containers"} {
		entries, _ := os.ReadDir(folder)
		for _, entry := range entries {
			found["files"] = append(found["files"], filepath.Join(folder, entry.Name()))
		}
	}
	return found
}

// checkListeners fails for a program of the cluster that listens where another
// machine could reach it.
func checkListeners(t *testing.T) {
	t.Helper()
	out, err := exec.Command("ss", "--listening", "--numeric", "--tcp", "--udp", "--processes", "--no-header").CombinedOutput()
	if err != nil {
		t.Fatalf("ss: %v\n%s", err, out)
	}
	programs := []string{"etcd", "kube-", "kubelet", "containerd", "coredns", "registry", "gitserver"}
	_, cluster, err := net.ParseCIDR(layout.ClusterCIDR)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		if !slices.ContainsFunc(programs, func(p string) bool { return strings.Contains(line, `("`+p) }) {
			continue
		}
		seen++
		host, _, err := net.SplitHostPort(strings.Fields(line)[4])
		if err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() && !cluster.Contains(ip) {
			t.Errorf("reachable from outside: %s", line)
		}
	}
	if seen < 8 {
		t.Errorf("only %d sockets of the cluster found in:\n%s", seen, out)
	}
}
