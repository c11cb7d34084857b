package park

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestProcess runs the real program, which becomes cat. What the kernel knows
// about the process is compared with a cat that was started the same way
// without it.
func TestProcess(t *testing.T) {
	program := compile(t)
	pair := newKeys(t)
	keep := []string{"HEADWAY_COMMIT=abc", "PATH=" + os.Getenv("PATH"), "A=b c"}
	hidden := []string{envPod + "=" + testPod, envKey + "=" + pair.Public}

	plain := start(t, launcher, keep, "cat")
	plain.echo(t)
	want := plain.seen(t)

	parked := start(t, launcher, append(hidden, keep...), program, "cat")
	parked.await(t)
	refuseWrongCalls(t, pair)
	if exe, err := os.Readlink(parked.proc("exe")); err != nil || exe != program {
		t.Fatalf("after wrong calls it is %s, %v", exe, err)
	}
	crowd(t)
	if err := waker(t, pair).Wake(t.Context(), "127.0.0.1", testPod); err != nil {
		t.Fatal(err)
	}
	parked.echo(t) // the same standard input and output, and the program is there
	if diff := cmp.Diff(want, parked.seen(t)); diff != "" {
		t.Errorf("the process (-plain +parked):\n%s", diff)
	}
	if err := waker(t, pair).Wake(t.Context(), "127.0.0.1", testPod); !errors.Is(err, ErrRefused) {
		t.Errorf("waking it again: %v", err)
	}
	for _, p := range []*child{plain, parked} {
		if err := p.end(t); err != nil {
			t.Errorf("its end: %v", err)
		}
	}
}

// A parked pod that is told to stop has nothing to finish, whatever signal its
// image stops with.
func TestStop(t *testing.T) {
	program := compile(t)
	for _, s := range stopSignals {
		p := start(t, `exec "$0" "$@"`, []string{envPod + "=x", envKey + "=" + newKeys(t).Public}, program, "/bin/cat")
		p.await(t)
		if err := p.command.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		if err := p.command.Wait(); err != nil || p.errors.Len() > 0 {
			t.Errorf("%s: %v, %s", s, err, &p.errors)
		}
	}
}

// What only the system can find out is found out when the pod is woken.
func TestApplicationThatDoesNotStart(t *testing.T) {
	program, pair := compile(t), newKeys(t)
	for content, want := range map[string]struct {
		code int
		text string
	}{
		"#!/none\n": {codeMissing, adviceInside},
		"\x7fELF":   {codeCannot, adviceFormat},
	} {
		script := filepath.Join(t.TempDir(), "app")
		if err := os.WriteFile(script, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
		p := start(t, launcher, []string{envPod + "=" + testPod, envKey + "=" + pair.Public}, program, script)
		p.await(t)
		if err := waker(t, pair).Wake(t.Context(), "127.0.0.1", testPod); err != nil {
			t.Fatal(err)
		}
		_ = p.command.Wait()
		if code := p.command.ProcessState.ExitCode(); code != want.code || !strings.Contains(p.errors.String(), want.text) {
			t.Errorf("code %d, %q; want %d, %q", code, &p.errors, want.code, want.text)
		}
	}
}

// compile makes the program with a free port, which callers use from now on.
func compile(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	before := port
	t.Cleanup(func() { port = before })
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	program := filepath.Join(t.TempDir(), "park")
	flags := "-ldflags=-s -w -X github.com/headway-dev/headway/scaler/park.port=" + port
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", flags, "-o", program, "../../cmd/park")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if printed, err := build.CombinedOutput(); err != nil {
		t.Fatalf("compiling: %v\n%s", err, printed)
	}
	return program
}

// child is a process with pipes for its standard input and output, and with one
// more open file.
type child struct {
	command *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Reader
	errors  bytes.Buffer
}

// launcher sets what the process must find as it is: a limit of open files, an
// ignored signal, a umask.
const launcher = `trap '' INT; ulimit -Sn 300; umask 027; exec "$0" "$@"`

func start(t *testing.T, script string, env []string, command ...string) *child {
	t.Helper()
	p := &child{command: exec.CommandContext(t.Context(), "/bin/sh", append([]string{"-c", script}, command...)...)}
	p.command.Env, p.command.Dir, p.command.Stderr = env, "/usr", &p.errors
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p.command.ExtraFiles = []*os.File{file}
	if p.input, err = p.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	output, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.output = bufio.NewReader(output)
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.command.ProcessState == nil {
			_ = p.command.Process.Kill()
			_ = p.command.Wait()
		}
	})
	return p
}

func (p *child) proc(name string) string {
	return fmt.Sprintf("/proc/%d/%s", p.command.Process.Pid, name)
}

// await returns once the program listens.
func (p *child) await(t *testing.T) {
	t.Helper()
	for began := time.Now(); time.Since(began) < 10*time.Second; time.Sleep(time.Millisecond) {
		if connection, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
			connection.Close()
			return
		}
	}
	t.Fatalf("it does not listen: %s", &p.errors)
}

// echo says a line and hears it again.
func (p *child) echo(t *testing.T) {
	t.Helper()
	if _, err := io.WriteString(p.input, "hello\n"); err != nil {
		t.Fatal(err)
	}
	if line, err := p.output.ReadString('\n'); err != nil || line != "hello\n" {
		t.Fatalf("heard %q, %v; %s", line, err, &p.errors)
	}
}

func (p *child) end(t *testing.T) error {
	t.Helper()
	if err := p.input.Close(); err != nil {
		return err
	}
	return p.command.Wait()
}

// seen is what must be the same with and without the program. The process is
// the one that was started: its PID is in every path that is read.
func (p *child) seen(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, name := range []string{"limits", "environ", "cmdline", "cgroup", "oom_score_adj", "timerslack_ns"} {
		content, err := os.ReadFile(p.proc(name))
		if err != nil {
			t.Fatal(err)
		}
		found[name] = string(content)
	}
	status, err := os.ReadFile(p.proc("status"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		switch key, value, _ := strings.Cut(line, ":"); key {
		case "Name", "Umask", "Uid", "Gid", "Groups", "Threads", "SigBlk", "ShdPnd", "SigIgn", "SigCgt", "NoNewPrivs", "Seccomp", "Cpus_allowed",
			"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "THP_enabled", "PPid":
			found[key] = strings.TrimSpace(value)
		}
	}
	for _, link := range []string{"cwd", "root", "exe"} {
		if found[link], err = os.Readlink(p.proc(link)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(p.proc("fd"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		target, err := os.Readlink(p.proc("fd/" + file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := strings.Cut(target, ":") // a pipe has a number of its own
		flags, err := os.ReadFile(p.proc("fdinfo/" + file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		_, flag, _ := strings.Cut(string(flags), "flags:")
		flag, _, _ = strings.Cut(flag, "\n")
		found["file "+file.Name()] = kind + flag
	}
	return found
}

func waker(t *testing.T, pair KeyPair) *Waker {
	t.Helper()
	private, err := parsePrivate(pair.Private)
	if err != nil {
		t.Fatal(err)
	}
	return &Waker{key: private}
}

func refuseWrongCalls(t *testing.T, pair KeyPair) {
	t.Helper()
	if err := waker(t, newKeys(t)).Wake(t.Context(), "127.0.0.1", testPod); !errors.Is(err, ErrDenied) {
		t.Errorf("with another key: %v", err)
	}
	if err := waker(t, pair).Wake(t.Context(), "127.0.0.1", "another-pod"); !errors.Is(err, ErrDenied) {
		t.Errorf("for another pod: %v", err)
	}
	for _, nonsense := range []string{"\n", "GET / HTTP/1.1\r\n\r\n", "wake \n", strings.Repeat("x", 1<<16)} {
		connection, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		// It may hang up while a long line is said.
		_, _ = io.WriteString(connection, nonsense)
		answer, _ := io.ReadAll(connection)
		if len(nonsense) < longestLine && string(answer) != "no: not a wake call\n" {
			t.Errorf("%.10q: %q", nonsense, answer)
		}
		connection.Close()
	}
}

// crowd opens 100 connections that say half a line and stay until the test ends.
func crowd(t *testing.T) {
	t.Helper()
	for range 100 {
		connection, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { connection.Close() })
		if _, err := io.WriteString(connection, "wake AAAA"); err != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
	}
}
