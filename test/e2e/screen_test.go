//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"unsafe"
)

// screen is a program of the CLI that runs in a terminal of its own, 120 columns
// wide and 40 lines high.
type screen struct {
	*testing.T
	command  *exec.Cmd
	terminal *os.File
	shown    chan string
}

// startScreen runs the CLI in a terminal until stop.
func (tm *team) startScreen(arguments ...string) *screen {
	tm.Helper()
	terminal, program, err := openTerminal(120, 40)
	if err != nil {
		tm.Fatalf("opening a terminal: %v", err)
	}
	defer program.Close()
	s := &screen{tm.T, exec.CommandContext(tm.Context(), cli, append(arguments, "--namespace", tm.namespace)...), terminal, make(chan string, 1)}
	s.command.Env = append(os.Environ(), "TERM=xterm")
	s.command.Stdin, s.command.Stdout, s.command.Stderr = program, program, program
	if err := s.command.Start(); err != nil {
		tm.Fatal(err)
	}
	go func() {
		text, _ := io.ReadAll(terminal) // EIO is its end
		s.shown <- string(text)
	}()
	return s
}

// stop interrupts the program, which has to end well, and returns all that it
// wrote.
func (s *screen) stop() string {
	s.Helper()
	if err := s.command.Process.Signal(os.Interrupt); err != nil {
		s.Error(err)
	}
	if err := s.command.Wait(); err != nil {
		s.Errorf("headway in a terminal: %v", err)
	}
	shown := <-s.shown
	_ = s.terminal.Close()
	return shown
}

// openTerminal makes a pseudo-terminal: what is written to program can be read
// from terminal.
func openTerminal(columns, lines uint16) (terminal, program *os.File, err error) {
	if terminal, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		return nil, nil, err
	}
	var number, locked uint32
	size := [4]uint16{lines, columns}
	for _, call := range []struct {
		request uintptr
		value   unsafe.Pointer
	}{{syscall.TIOCGPTN, unsafe.Pointer(&number)}, {syscall.TIOCSPTLCK, unsafe.Pointer(&locked)}, {syscall.TIOCSWINSZ, unsafe.Pointer(&size)}} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, terminal.Fd(), call.request, uintptr(call.value)); errno != 0 {
			return nil, nil, errno
		}
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	return terminal, program, err
}
