package dockerfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/cmd/buildstep/tool"
)

// The tests run the real lifecycle with stand-ins for BuildKit's two programs:
// this test binary under their names. BuildKit itself is tested end to end.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "buildkitd":
		os.Exit(standInDaemon())
	case "buildctl":
		os.Exit(standInClient())
	}
	os.Exit(m.Run())
}

// standInDaemon answers on its socket until it is told to stop. It cannot start
// on a state that holds the file "broken", and notes in its state how it ended.
func standInDaemon() int {
	args := os.Args
	config, state, socket := args[2], args[4], strings.TrimPrefix(args[6], "unix://")
	fmt.Println("standing in with", filepath.Base(config))
	if _, err := os.Stat(filepath.Join(state, "broken")); err == nil {
		fmt.Println("cannot read state")
		return 1
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer listener.Close()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
	if err := os.WriteFile(filepath.Join(state, "stopped"), nil, 0o600); err != nil {
		return 1
	}
	return 0
}

// standInClient writes its arguments as the image, or fails as told.
func standInClient() int {
	if said := os.Getenv("STAND_IN_FAILS"); said != "" {
		fmt.Println(said)
		return 1
	}
	for _, arg := range os.Args {
		if _, dest, ok := strings.Cut(arg, "dest="); ok {
			if os.Mkdir(dest, 0o700) != nil || os.WriteFile(filepath.Join(dest, "args"), []byte(strings.Join(os.Args[1:], "\n")), 0o600) != nil {
				return 2
			}
		}
	}
	return 0
}

func options(t *testing.T) Options {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin, dir := t.TempDir(), t.TempDir()
	for _, name := range []string{"buildkitd", "buildctl"} {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	source := filepath.Join(dir, "source", "web")
	// A socket's path must be short, which that of t.TempDir() is not always.
	temp, err := os.MkdirTemp("", "bk")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temp) })
	if err := errors.Join(os.MkdirAll(source, 0o755), os.WriteFile(filepath.Join(source, "Dockerfile"), []byte("# syntax=docker/dockerfile:1\nFROM scratch\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	return Options{
		Source: filepath.Join(dir, "source"), Path: "web", Cache: filepath.Join(dir, "cache"),
		Temp: temp, Image: filepath.Join(dir, "image"), Output: t.Output(),
	}
}

func TestBuild(t *testing.T) {
	o := options(t)
	o.Target, o.BuildArgs = "prod", "A=1\n\n  B=two words \n"
	if err := Build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	args, err := os.ReadFile(filepath.Join(o.Image, "args"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"--addr", "unix://" + o.Temp + "/buildkitd.sock", "build", "--progress=plain", "--frontend=dockerfile.v0",
		"--local=context=" + o.Source + "/web", "--local=dockerfile=" + o.Source + "/web", "--opt=filename=Dockerfile",
		"--output=type=oci,tar=false,dest=" + o.Image, "--opt=cmdline=docker/dockerfile:1", "--opt=target=prod", "--opt=build-arg:A=1", "--opt=build-arg:B=two words",
	}
	if diff := cmp.Diff(want, strings.Split(string(args), "\n")); diff != "" {
		t.Errorf("buildctl's arguments (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(filepath.Join(o.Image, "args")); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the push step cannot read the image: %v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(filepath.Join(o.Cache, "buildkit", "0", "stopped")); err != nil {
		t.Error("the daemon was not stopped gently")
	}
}

// TestContext: a Dockerfile and its context need not be in one folder.
func TestContext(t *testing.T) {
	o := options(t)
	if err := errors.Join(os.Mkdir(filepath.Join(o.Source, "docker"), 0o755), os.WriteFile(filepath.Join(o.Source, "docker", "web.Dockerfile"), []byte("FROM scratch\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	o.Context, o.Dockerfile = "..", "../docker/web.Dockerfile"
	args, err := buildctlArgs(o)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"--local=context=" + o.Source, "--local=dockerfile=" + o.Source + "/docker", "--opt=filename=web.Dockerfile"}
	if diff := cmp.Diff(want, args[3:6]); diff != "" {
		t.Errorf("buildctl's arguments (-want +got):\n%s", diff)
	}
}

func TestBuildThrowsBrokenStateAway(t *testing.T) {
	o := options(t)
	state := filepath.Join(o.Cache, "buildkit", "0")
	if err := errors.Join(os.MkdirAll(state, 0o755), os.WriteFile(filepath.Join(state, "broken"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := Build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func TestBuildFails(t *testing.T) {
	t.Run("in the Dockerfile", func(t *testing.T) {
		o := options(t)
		var output bytes.Buffer
		o.Output = &output
		t.Setenv("STAND_IN_FAILS", "Dockerfile:2\n----\n   2 | >>> RUN /bin/false\n----\nerror: failed to solve: process \"/bin/false\" did not complete successfully: exit code: 1")
		err := Build(t.Context(), o)
		if failed := new(tool.Failed); !errors.As(err, &failed) || failed.Cause != "Dockerfile:2: RUN /bin/false: exit code 1" {
			t.Errorf("error = %v", err)
		}
		if !strings.HasSuffix(output.String(), "exit code: 1\n") {
			t.Errorf("the log ends %q", output.String())
		}
	})
	t.Run("daemon cannot start", func(t *testing.T) {
		o := options(t)
		o.Temp = filepath.Join(o.Temp, strings.Repeat("x", 120)) // too long for a socket
		if err := os.Mkdir(o.Temp, 0o755); err != nil {
			t.Fatal(err)
		}
		err := Build(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), "standing in with buildkitd.toml") {
			t.Errorf("error = %v, want one with the daemon's log", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := Build(ctx, options(t)); !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v", err)
		}
	})
}

func TestArgumentsAreChecked(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"path outside", func(o *Options) { o.Path = "../x" }, "lies outside the source"},
		{"file outside", func(o *Options) { o.Dockerfile = "../../etc/passwd" }, "must be a file of the repository"},
		{"no such file", func(o *Options) { o.Dockerfile = "Dockerfile.prod" }, `there is no file web/Dockerfile.prod; set build.args.dockerfile`},
		{"file by its full name", func(o *Options) { o.Dockerfile = "/etc/passwd" }, "must be a file of the repository"},
		{"context outside", func(o *Options) { o.Context = "../.." }, "must be a folder of the repository"},
		{"context by its full name", func(o *Options) { o.Context = "/" }, "must be a folder of the repository"},
		{"no such context", func(o *Options) { o.Context = "src" }, "there is no folder web/src; set build.args.context"},
		{"build-args", func(o *Options) { o.BuildArgs = "A=1, B" + "\nC" }, `has the line "C"; it must be KEY=value`},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := options(t)
			test.change(&o)
			if _, err := buildctlArgs(o); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestDaemonConfig(t *testing.T) {
	const want = `[worker.oci]
  networkMode = "host"
  gc = true
  maxUsedSpace = "4GB"
[worker.containerd]
  enabled = false
[registry."docker.io"]
  mirrors = ["mirror.internal:5000"]
[registry."mirror.internal:5000"]
  http = true
`
	if diff := cmp.Diff(want, daemonConfig("mirror.internal:5000", []string{"mirror.internal:5000"})); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if got := daemonConfig("", nil); strings.Contains(got, "registry") {
		t.Errorf("without registries: %s", got)
	}
}

func TestLockState(t *testing.T) {
	dir := t.TempDir()
	var taken []string
	var release []func()
	for range states {
		state, free, err := lockState(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		taken, release = append(taken, filepath.Base(state)), append(release, free)
	}
	if diff := cmp.Diff([]string{"0", "1", "2", "3"}, taken); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		if _, _, err := lockState(t.Context(), dir); !errors.Is(err, errAllBusy) || time.Since(start) != lockTimeout {
			t.Errorf("with all states taken: %v after %s", err, time.Since(start))
		}
	})
	release[2]()
	state, free, err := lockState(t.Context(), dir)
	if err != nil || filepath.Base(state) != "2" {
		t.Errorf("after one was given back: %s, %v", state, err)
	}
	free()
	release[0]()
	release[1]()
	release[3]()
}
