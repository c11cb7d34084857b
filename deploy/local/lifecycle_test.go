//go:build lifecycle

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
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

// TestMain lets this binary stand in for the command, without the steps that
// install Headway: those need the world outside of the sandbox.
func TestMain(m *testing.M) {
	commands := map[string][]step{"up": append(clusterSteps(), forgeSteps(gitea)...), "down": downSteps()}
	steps, ok := commands[os.Getenv("HEADWAY_LIFECYCLE")]
	if !ok {
		os.Exit(m.Run())
	}
	places, err := layout.New()
	if err == nil {
		err = locked(context.Background(), newProgress(os.Stdout), &cluster{places: places}, steps)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// TestLifecycle brings a second cluster up and down in a sandbox. It kills `up` at
// every program's start, and wants the machine to be as it was after `down`, and
// the cluster to be whole after `up`. The machine's own cluster is not touched.
func TestLifecycle(t *testing.T) {
	if os.Getenv("HEADWAY_SANDBOX") == "" {
		enterSandbox(t)
		return
	}
	t.Chdir("../..")
	before := machine(t)

	for _, program := range []string{
		"registry", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler",
		"coredns", "containerd", "kubelet", "kube-proxy",
	} {
		killUpAtStartOf(t, program)
	}
	execute(t, "down")
	if diff := cmp.Diff(before, machine(t)); diff != "" {
		t.Fatalf("down after a killed up left something (-before +after):\n%s", diff)
	}
	execute(t, "down") // once more is no error

	killUpAtStartOf(t, "kubelet")
	killUpAtStartOf(t, gitea)
	execute(t, "up")
	checkGitea(t)
	checkSecondUp(t)
	restartMachine(t)
	execute(t, "up") // finds its state again, and waits for Tekton's pods to be ready
	checkGitea(t)
	checkListeners(t)
	execute(t, "down")
	if diff := cmp.Diff(before, machine(t)); diff != "" {
		t.Errorf("down left something (-before +after):\n%s", diff)
	}
}

// enterSandbox runs this very test again, in a sandbox.
func enterSandbox(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	places, err := layout.New()
	if err != nil {
		t.Fatal(err)
	}
	components := exec.Command("go", "run", "./deploy/local", "components", "--forge="+gitea)
	components.Dir = "../.."
	if out, err := components.CombinedOutput(); err != nil {
		t.Fatalf("compiling the components: %v\n%s", err, out)
	}
	// Not t.TempDir: the path of a unix socket may be long only so far.
	folder, err := os.MkdirTemp("", "headway")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	inside := exec.Command("testdata/sandbox.sh", folder, self, "-test.run=^TestLifecycle$", "-test.v", "-test.timeout=10m")
	inside.Env = append(os.Environ(), "HEADWAY_SANDBOX_PROGRAMS="+filepath.Dir(places.Bin("key")))
	out, err := inside.CombinedOutput()
	t.Logf("%s", out)
	if err := errors.Join(err, removeCgroupsBelow(t.Context(), "/headway-sandbox")); err != nil {
		t.Fatal(err)
	}
}

// start starts this binary as a command.
func start(t *testing.T, name string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run, out := exec.Command(self), &bytes.Buffer{}
	run.Env = append(os.Environ(), "HEADWAY_LIFECYCLE="+name)
	run.Stdout, run.Stderr = out, out
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	return run, out
}

func execute(t *testing.T, name string) string {
	t.Helper()
	begin := time.Now()
	run, out := start(t, name)
	if err := run.Wait(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	t.Logf("%s took %.1fs", name, time.Since(begin).Seconds())
	return out.String()
}

// killUpAtStartOf starts `up` and kills it in the moment the program is there.
func killUpAtStartOf(t *testing.T, program string) {
	t.Helper()
	places, err := layout.New()
	if err != nil {
		t.Fatal(err)
	}
	key, err := componentKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run, out := start(t, "up")
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	for running := false; !running; {
		select {
		case err := <-ended:
			t.Fatalf("up ended before %s was there: %v\n%s", program, err, out)
		case <-time.After(2 * time.Millisecond):
		}
		if running, err = process.Running(program, filepath.Join(places.Bin(key), program)); err != nil {
			t.Fatal(err)
		}
	}
	if err := run.Process.Kill(); err != nil {
		t.Fatalf("killing up: %v", err)
	}
	<-ended
}

// checkSecondUp wants a repeated `up` to be quick and to change nothing.
func checkSecondUp(t *testing.T) {
	t.Helper()
	running, err := process.Marked()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	printed := execute(t, "up")
	if elapsed := time.Since(begin); elapsed > time.Minute {
		t.Errorf("the second up took %s, want at most a minute", elapsed)
	}
	if !strings.Contains(printed, " 0 compiled") {
		t.Errorf("the second up compiled something:\n%s", printed)
	}
	now, err := process.Marked()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(running, now); diff != "" {
		t.Errorf("the second up started programs anew (-before +after):\n%s", diff)
	}
}

// restartMachine does what a restart of the machine does to a cluster: everything
// but the files on disk is gone.
func restartMachine(t *testing.T) {
	t.Helper()
	places, err := layout.New()
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{places: places}
	var out bytes.Buffer
	err = runSteps(t.Context(), newProgress(&out), c, []step{
		{name: "processes", run: stopProcesses}, {name: "mounts", run: unmountAll},
		{name: "packet filter", run: removeChains}, {name: "interfaces", run: removeInterfaces},
		{name: "cgroups", run: removeCgroups},
	})
	if err == nil {
		err = os.RemoveAll(layout.Runtime)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
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
	if found["cgroups"], err = cgroupsBelow(cgroupRoot); err != nil {
		t.Fatal(err)
	}
	if found["processes"], err = process.Marked(); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"/run", "/run/containerd", "/var/lib/kubelet", "/var/lib/cni", "/run/netns", "/var/log/containers"} {
		entries, _ := os.ReadDir(folder)
		for _, entry := range entries {
			found["files"] = append(found["files"], filepath.Join(folder, entry.Name()))
		}
	}
	return found
}

// checkGitea wants Gitea to take the token as its administrator's.
func checkGitea(t *testing.T) {
	t.Helper()
	places, err := layout.New()
	if err != nil {
		t.Fatal(err)
	}
	token, err := os.ReadFile(places.GiteaToken())
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, layout.GiteaURL+"/api/v1/user", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "token "+strings.TrimSpace(string(token)))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var user struct {
		Login   string `json:"login"`
		IsAdmin bool   `json:"is_admin"`
	}
	if err := json.NewDecoder(response.Body).Decode(&user); err != nil || user.Login != layout.GitUser || !user.IsAdmin {
		t.Fatalf("the token is that of %+v (%s, %v), want the administrator %s", user, response.Status, err, layout.GitUser)
	}
}

// checkListeners fails for a program of the cluster that listens where another
// machine could reach it.
func checkListeners(t *testing.T) {
	t.Helper()
	out, err := exec.Command("ss", "--listening", "--numeric", "--tcp", "--udp", "--processes", "--no-header").CombinedOutput()
	if err != nil {
		t.Fatalf("ss: %v\n%s", err, out)
	}
	_, cluster, err := net.ParseCIDR(layout.ClusterCIDR)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(string(out)))
	for _, line := range lines {
		host, _, err := net.SplitHostPort(strings.Fields(line)[4])
		if err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() && !cluster.Contains(ip) {
			t.Errorf("reachable from outside: %s", line)
		}
	}
	if len(lines) < 8 {
		t.Errorf("only %d sockets of the cluster found in:\n%s", len(lines), out)
	}
}
