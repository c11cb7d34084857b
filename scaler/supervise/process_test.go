package supervise

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roleVariable makes a process of the test's program another one.
const roleVariable = "SUPERVISE_TEST_ROLE"

func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "parent":
		os.Unsetenv(roleVariable)
		os.Exit(Run(os.Args[1:], os.Stderr))
	case "":
		if len(os.Args) > 2 && os.Args[1] == "child" {
			child(os.Args[2])
		}
	}
	os.Exit(m.Run())
}

// child serves, in its way.
func child(way string) {
	switch way {
	case "crash":
		os.Exit(7)
	case "end":
		os.Exit(0)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	listener, err := Listen(context.Background(), os.Args[3])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		listener.Close()
		fmt.Println("told to stop")
		os.Exit(0)
	}()
	fmt.Println("serves", os.Getpid(), Restarts())
	for {
		conn, err := listener.Accept()
		if err != nil {
			select {}
		}
		fmt.Fprintln(conn, os.Getpid())
		conn.Close()
	}
}

// supervised is a parent with its child.
type supervised struct {
	*exec.Cmd
	out *bufio.Scanner // of the child
}

func start(t *testing.T, address string, command ...string) *supervised {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &supervised{Cmd: exec.Command(self, append([]string{address, "--", self, "child"}, command...)...)}
	s.Env = append(os.Environ(), roleVariable+"=parent")
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.out = bufio.NewScanner(out)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Process.Kill(); _ = s.Wait() })
	return s
}

// says reads a line of the child.
func (s *supervised) says(t *testing.T, format string, into ...any) {
	t.Helper()
	if !s.out.Scan() {
		t.Fatalf("the child ended: %v", s.out.Err())
	}
	if _, err := fmt.Sscanf(s.out.Text(), format, into...); err != nil {
		t.Fatalf("the child said %q, want %q", s.out.Text(), format)
	}
}

// freePort is one that nobody has at the moment.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestConnectionsWaitForTheNextProcess: nobody is refused between two.
func TestConnectionsWaitForTheNextProcess(t *testing.T) {
	address := freePort(t)
	s := start(t, address, "serve", address)
	for restart := range 5 {
		var pid, restarts int
		s.says(t, "serves %d %d", &pid, &restarts)
		if restarts != restart {
			t.Errorf("it was told of %d restarts, want %d", restarts, restart)
		}
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil { // it accepts nothing
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		var by int
		if _, err := fmt.Fscan(conn, &by); err != nil || by == pid {
			t.Errorf("answered by %d, %v; killed was %d", by, err, pid)
		}
	}
	if err := s.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for s.out.Scan() && s.out.Text() != "told to stop" {
	}
	if err := s.Wait(); err != nil {
		t.Errorf("told to stop, it ended with %v", err)
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		conn.Close()
		t.Error("the port is still open")
	}
}

func TestParentEndsAsItsChildDoes(t *testing.T) {
	for way, code := range map[string]int{"crash": 7, "end": 0, "kill": 128 + 9} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			s := start(t, "127.0.0.1:0", way)
			_ = s.Wait()
			if got := s.ProcessState.ExitCode(); got != code {
				t.Errorf("ended with %d, want %d", got, code)
			}
		})
	}
}

// TestChildEndsWithItsParent, or the next parent would not get the ports.
func TestChildEndsWithItsParent(t *testing.T) {
	address := freePort(t)
	s := start(t, address, "serve", address)
	s.says(t, "serves")
	if err := s.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if s.out.Scan() { // the end of its output
		t.Errorf("the child says %q", s.out.Text())
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("the port is still open")
	}
}

func TestUsage(t *testing.T) {
	for _, tc := range []struct {
		args string
		code int
	}{
		{"", codeUsage}, {":0", codeUsage}, {":0 --", codeUsage}, {":0 -- /no/such/program", codeFailed}, {"nowhere:x -- /bin/true", codeFailed},
	} {
		if got := Run(strings.Fields(tc.args), io.Discard); got != tc.code {
			t.Errorf("%q ends with %d, want %d", tc.args, got, tc.code)
		}
	}
}
