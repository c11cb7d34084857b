package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Exit codes of the parent itself. Otherwise it ends with its child's, or 128
// and the number of the signal that has ended the child, as shells have it.
const (
	codeFailed = 1
	codeUsage  = 2
)

// firstSocket is the first file descriptor that is handed over, as systemd has
// it.
const firstSocket = 3

const usage = "usage: supervise ADDRESS... -- PROGRAM [ARGUMENT]..."

// Run is the parent. It returns its exit code. The goroutine must be locked to
// its thread, and not end before the process: the kernel ends the child with
// the thread that has started it.
func Run(args []string, complaints io.Writer) int {
	split := slices.Index(args, "--")
	if split < 0 || split == len(args)-1 {
		fmt.Fprintln(complaints, usage)
		return codeUsage
	}
	path, err := exec.LookPath(args[split+1])
	if err != nil {
		fmt.Fprintln(complaints, "supervise:", err)
		return codeFailed
	}
	sockets, err := open(args[:split])
	if err != nil {
		fmt.Fprintln(complaints, "supervise:", err)
		return codeFailed
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	p := parent{path: path, args: args[split+1:], sockets: sockets, signals: signals, logger: slog.New(slog.NewJSONHandler(complaints, nil))}
	return p.run()
}

// open binds the sockets. Nobody accepts yet.
func open(addresses []string) ([]*os.File, error) {
	var sockets []*os.File
	for _, address := range addresses {
		listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
		if err != nil {
			return nil, fmt.Errorf("listening on %s: %w", address, err)
		}
		socket, err := listener.(*net.TCPListener).File()
		if err != nil {
			return nil, fmt.Errorf("keeping the socket of %s: %w", address, err)
		}
		_ = listener.Close() // socket is a second descriptor of it
		sockets = append(sockets, socket)
	}
	return sockets, nil
}

// parent keeps the sockets and one child after the other.
type parent struct {
	path    string
	args    []string // the first one is the program's name
	sockets []*os.File
	signals <-chan os.Signal
	logger  *slog.Logger

	restarts int
	told     bool // to end
}

func (p *parent) run() int {
	for short := 0; ; p.restarts++ {
		began := time.Now()
		state, err := p.live()
		if err != nil {
			p.logger.Error("cannot start the program", "error", err)
			return codeFailed
		}
		if p.told || state.Success() {
			return code(state)
		}
		lived := time.Since(began)
		next, pause, again := plan(short, lived)
		p.logger.Error("the program has crashed", "state", state.String(), "lived", lived.String(), "startsAgain", again, "restarts", p.restarts)
		if !again || !p.pause(pause) {
			return code(state)
		}
		short = next
	}
}

// live starts the program and waits for its end.
func (p *parent) live() (*os.ProcessState, error) {
	child, err := os.StartProcess(p.path, p.args, &os.ProcAttr{
		Env: append(os.Environ(),
			socketsVariable+"="+strconv.Itoa(len(p.sockets)), restartsVariable+"="+strconv.Itoa(p.restarts)),
		Files: append([]*os.File{os.Stdin, os.Stdout, os.Stderr}, p.sockets...),
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return nil, err
	}
	type end struct {
		state *os.ProcessState
		err   error
	}
	ended := make(chan end, 1)
	go func() {
		state, err := child.Wait()
		ended <- end{state, err}
	}()
	for {
		select {
		case e := <-ended:
			return e.state, e.err
		case s := <-p.signals:
			p.hear(s)
			if err := child.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
				p.logger.Error("cannot hand a signal on", "signal", s.String(), "error", err)
			}
		}
	}
}

// hear notes what a signal means for the parent: one that ends the program is
// not followed by a start, and the ports close when the child closes them.
func (p *parent) hear(s os.Signal) {
	if s != syscall.SIGTERM && s != syscall.SIGINT && s != syscall.SIGQUIT {
		return
	}
	p.told = true
	for _, socket := range p.sockets {
		_ = socket.Close() // a second time is fine
	}
}

// pause is false if a signal says meanwhile that there is no need for a start.
func (p *parent) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for !p.told {
		select {
		case <-timer.C:
			return true
		case s := <-p.signals:
			p.hear(s)
		}
	}
	return false
}

func code(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
