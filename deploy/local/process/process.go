// Package process runs the programs of the local cluster detached from the
// command that started them, and finds them again.
//
// There are no pid files. Every program carries its name and a fingerprint of its
// settings in its environment, which the kernel keeps as long as the process
// lives: a recycled pid is never taken for ours, and a program is found even when
// the command that started it was killed in the same moment.
package process

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// maxLog is the size in bytes over which a log is rotated at the next start.
const maxLog = 50 << 20

// restartGrace is how long a program may take to end before its newer self starts.
const restartGrace = 5 * time.Second

// The variables that mark a process as ours.
const (
	nameVariable        = "HEADWAY_LOCAL_PROGRAM"
	fingerprintVariable = "HEADWAY_LOCAL_FINGERPRINT"
)

// Program is something to keep running.
type Program struct {
	// Name identifies the program; one process runs under a name.
	Name string
	// Path of the executable, Args without the program's own name.
	Path string
	Args []string
	// Env is added to the environment of the caller.
	Env []string
	// Log receives the standard output and error.
	Log string
	// Configs are files the program reads at its start; a change of one restarts it.
	Configs []string
	// User is the numeric id that the program runs under; 0 is whoever starts it,
	// with all rights. The user may open every file for reading, as the cluster's
	// folders can lie below one that is closed to others, and write its own alone.
	// That holds for open(2), not for access(2), and not for Path.
	User int
}

// fingerprint changes when the program has to be started anew.
func (p Program) fingerprint() (string, error) {
	hash := sha256.New()
	fmt.Fprintf(hash, "%q %q %q\n", p.Path, p.Args, p.Env)
	if p.User != 0 {
		fmt.Fprintf(hash, "as %d\n", p.User)
	}
	for _, config := range p.Configs {
		content, err := os.ReadFile(config)
		if err != nil {
			return "", fmt.Errorf("reading the configuration of %s: %w", p.Name, err)
		}
		fmt.Fprintf(hash, "%q\n", content)
	}
	return hex.EncodeToString(hash.Sum(nil))[:16], nil
}

// Ensure makes the program run with these settings and reports whether it had to be
// started. A process of the same name with other settings is stopped first.
func Ensure(ctx context.Context, p Program) (started bool, err error) {
	fingerprint, err := p.fingerprint()
	if err != nil {
		return false, err
	}
	running, err := find(p.Name, p.Path)
	if err != nil {
		return false, err
	}
	if len(running) == 1 && running[0].fingerprint == fingerprint {
		return false, nil
	}
	if err := stop(ctx, running, restartGrace); err != nil {
		return false, fmt.Errorf("stopping the older %s: %w", p.Name, err)
	}
	return true, p.start(fingerprint)
}

func (p Program) start(fingerprint string) error {
	log, err := openLog(p.Log)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", p.Name, err)
	}
	defer log.Close()
	// The program outlives the command that starts it, and so its context.
	command := exec.CommandContext(context.Background(), p.Path, p.Args...)
	command.Dir = "/"
	command.Env = append(os.Environ(), p.Env...)
	command.Env = append(command.Env, nameVariable+"="+p.Name, fingerprintVariable+"="+fingerprint)
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = p.Attributes()
	command.SysProcAttr.Setsid = true
	if err := keepFiles(); err != nil {
		return fmt.Errorf("starting %s: %w", p.Name, err)
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("starting %s: %w", p.Name, err)
	}
	// While this command lives it is the parent, and has to take note of the end.
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait()
	}()
	// The kernel shows the environment a moment after the program has started.
	for {
		if _, visible := inspect(command.Process.Pid); visible {
			return nil
		}
		select {
		case <-ended:
			return nil // found out by whoever waits for it to be healthy
		case <-time.After(time.Millisecond):
		}
	}
}

// capDacReadSearch is CAP_DAC_READ_SEARCH of linux/capability.h.
const capDacReadSearch = 2

// Attributes make a command run under the program's User.
func (p Program) Attributes() *syscall.SysProcAttr {
	if p.User == 0 {
		return &syscall.SysProcAttr{}
	}
	id := uint32(p.User)
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: id, Gid: id}, AmbientCaps: []uintptr{capDacReadSearch}}
}

// keepFiles lets no program inherit the files that this command was given, such
// as the lock of a script that waits for its end.
func keepFiles() error {
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, entry := range open {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}

// openLog opens a log for appending, after moving a large one aside.
func openLog(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
}

// Running reports whether a process of that name and executable lives.
func Running(name, path string) (bool, error) {
	found, err := find(name, path)
	return len(found) > 0, err
}

// Stop ends the processes started under the name: first by SIGTERM, after the
// grace by SIGKILL. What only inherited the mark is left alone.
func Stop(ctx context.Context, name, path string, grace time.Duration) error {
	found, err := find(name, path)
	if err != nil {
		return err
	}
	return stop(ctx, found, grace)
}

// StopAll ends every process that carries a mark of this package, children that
// inherited it included.
func StopAll(ctx context.Context, grace time.Duration) error {
	found, err := scan()
	if err != nil {
		return err
	}
	return stop(ctx, found, grace)
}

// Marked lists the names of all living processes that carry a mark.
func Marked() ([]string, error) {
	found, err := scan()
	names := make([]string, 0, len(found))
	for _, f := range found {
		names = append(names, fmt.Sprintf("%s (pid %d, %s)", f.name, f.pid, filepath.Base(f.exe)))
	}
	return names, err
}

func stop(ctx context.Context, found []identity, grace time.Duration) error {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		for _, f := range found {
			if err := f.signal(signal); err != nil {
				return err
			}
		}
		for deadline := time.Now().Add(grace); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
			if err := ctx.Err(); err != nil {
				return err
			}
			if found = alive(found); len(found) == 0 {
				return nil
			}
		}
		grace = 5 * time.Second // SIGKILL needs no longer than the kernel does
	}
	return errors.New("a process survived SIGKILL: " + found[0].name)
}
