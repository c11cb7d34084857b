package process

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is a process that lives until it is stopped; its name is unique to the test.
func program(t *testing.T, args ...string) Program {
	t.Helper()
	p := Program{
		Name: fmt.Sprintf("test-%d-%s", os.Getpid(), t.Name()),
		Path: "/bin/sleep", Args: append([]string{"300"}, args...),
		Log: filepath.Join(t.TempDir(), "logs", "program.log"),
	}
	t.Cleanup(func() {
		// The test's own context has ended by now.
		if err := Stop(context.Background(), p.Name, p.Path, 0); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	return p
}

func ensure(t *testing.T, p Program) (pid int, started bool) {
	t.Helper()
	started, err := Ensure(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	found, err := find(p.Name, p.Path)
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v, want one process", found, err)
	}
	return found[0].pid, started
}

// TestFilesAreNotInherited: who holds a lock while the cluster is brought up
// gives it back afterwards.
func TestFilesAreNotInherited(t *testing.T) {
	lock, err := os.Create(filepath.Join(t.TempDir(), "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	// As flock does: files of Go close themselves otherwise.
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, lock.Fd(), syscall.F_SETFD, 0); errno != 0 {
		t.Fatal(errno)
	}
	pid, _ := ensure(t, program(t))
	open, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range open {
		if target, err := os.Readlink(fd); err == nil && target == lock.Name() {
			t.Errorf("the program holds %s", target)
		}
	}
}

func TestEnsureStartsOnce(t *testing.T) {
	p := program(t)
	p.Configs = []string{filepath.Join(t.TempDir(), "config")}
	if err := os.WriteFile(p.Configs[0], []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	first, started := ensure(t, p)
	if !started {
		t.Error("the first call did not start the program")
	}
	if again, started := ensure(t, p); started || again != first {
		t.Errorf("the second call: started %t, pid %d, want the running %d", started, again, first)
	}
	if err := os.WriteFile(p.Configs[0], []byte("b"), 0o600); err != nil {
		t.Fatal(err)
	}
	second, started := ensure(t, p)
	if !started || second == first {
		t.Errorf("with another configuration: started %t, pid %d after %d", started, second, first)
	}
	p.Args = append(p.Args, "1")
	if third, started := ensure(t, p); !started || third == second {
		t.Errorf("with other arguments: started %t, pid %d after %d", started, third, second)
	}
	if err := Stop(t.Context(), p.Name, p.Path, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if running, err := Running(p.Name, p.Path); running || err != nil {
		t.Errorf("running after stop = %t, %v", running, err)
	}
}

func TestIdentityIsNotThePid(t *testing.T) {
	p := program(t)
	pid, _ := ensure(t, p)
	found, err := find(p.Name, p.Path)
	if err != nil {
		t.Fatal(err)
	}
	earlier := found[0]
	earlier.start += "0" // a process that had the same pid before
	if err := earlier.signal(9); err != nil {
		t.Fatal(err)
	}
	if left := alive(found); len(left) != 1 || left[0].pid != pid {
		t.Error("the signal for an earlier process of the same pid ended ours")
	}
	if left := alive([]identity{earlier}); len(left) != 0 {
		t.Error("an earlier process of the same pid counts as alive")
	}
	if _, ok := inspect(os.Getpid()); ok {
		t.Error("a process without a mark counts as ours")
	}
}

func TestParseStat(t *testing.T) {
	numbers := strings.Repeat("1 ", 18)
	for _, test := range []struct {
		name, stat, state, start string
		ok                       bool
	}{
		{"plain", "7 (etcd) S " + numbers + "4711 9", "S", "4711", true},
		{"a name with parentheses", "7 (a) R (b) Z " + numbers + "4711 9", "Z", "4711", true},
		{"too short", "7 (etcd) S 1 2", "", "", false},
		{"empty", "", "", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			state, start, ok := parseStat(test.stat)
			if state != test.state || start != test.start || ok != test.ok {
				t.Errorf("parseStat = %q %q %t", state, start, ok)
			}
		})
	}
}

func TestLogIsRotated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, maxLog+1); err != nil {
		t.Fatal(err)
	}
	log, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if info, err := log.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("the log has %d bytes after rotation, %v", info.Size(), err)
	}
	if _, err := os.Stat(path + ".1"); err != nil {
		t.Error(err)
	}
}

// TestUser: a program under another user has none of the caller's rights but to
// read every file.
func TestUser(t *testing.T) {
	p := program(t)
	p.User = 64242
	started, err := Ensure(t.Context(), p)
	if os.Geteuid() != 0 {
		if err == nil {
			t.Error("started as another user without the right to")
		}
		return
	}
	if err != nil || !started {
		t.Fatalf("started = %v, %v", started, err)
	}
	found, err := find(p.Name, p.Path)
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v, want one process", found, err)
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", found[0].pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Uid:\t64242\t64242\t64242\t64242\n", "Gid:\t64242\t64242\t64242\t64242\n", "Groups:\t \n", "CapEff:\t0000000000000004\n"} {
		if !strings.Contains(string(status), want) {
			t.Errorf("no %q in\n%s", want, status)
		}
	}
	if again, err := Ensure(t.Context(), p); again || err != nil {
		t.Errorf("started again: %v, %v", again, err)
	}
	p.User++
	if again, err := Ensure(t.Context(), p); !again || err != nil {
		t.Errorf("not started again for another user: %v, %v", again, err)
	}
}
