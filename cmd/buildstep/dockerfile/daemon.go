package dockerfile

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	// startTimeout bounds the daemon's start; it takes well under a second.
	startTimeout = 20 * time.Second
	// stopTimeout is how long the daemon may take to close its databases.
	stopTimeout = 10 * time.Second
	// poll is the pause between two looks at a socket or a lock.
	poll = 20 * time.Millisecond
)

// daemon is a running buildkitd.
type daemon struct {
	cancel context.CancelFunc // ends it
	socket string
	log    string        // file that takes what it says
	exited chan struct{} // closed when the process has ended
}

// startDaemon starts buildkitd on a state folder and waits until it answers. A
// daemon that was killed can leave a state that the next one cannot read; that
// state is only a cache, so it is thrown away once.
func startDaemon(ctx context.Context, state, config, socket string) (*daemon, error) {
	d, err := launch(ctx, state, config, socket)
	if err == nil || ctx.Err() != nil {
		return d, err
	}
	if err := os.RemoveAll(state); err != nil {
		return nil, fmt.Errorf("clearing build cache: %w", err)
	}
	return launch(ctx, state, config, socket)
}

func launch(ctx context.Context, state, config, socket string) (*daemon, error) {
	if err := os.MkdirAll(state, 0o700); err != nil {
		return nil, fmt.Errorf("making build cache: %w", err)
	}
	// It outlives a cancelled build, so that stop can wait for its end, and ends
	// gently, so that its databases are closed.
	lifetime, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cmd := exec.CommandContext(lifetime, "buildkitd", "--config", config, "--root", state, "--addr", "unix://"+socket)
	cmd.Cancel, cmd.WaitDelay = func() error { return cmd.Process.Signal(syscall.SIGTERM) }, stopTimeout
	d := &daemon{cancel: cancel, socket: socket, log: config + ".log", exited: make(chan struct{})}
	log, err := os.Create(d.log)
	if err != nil {
		return nil, fmt.Errorf("making buildkitd's log: %w", err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting buildkitd: %w", err)
	}
	go func() {
		_ = cmd.Wait() // how it ended does not matter, only that it did
		close(d.exited)
	}()
	if err := d.awaitSocket(ctx); err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

func (d *daemon) awaitSocket(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startTimeout,
		fmt.Errorf("buildkitd does not answer after %s", startTimeout))
	defer cancel()
	for {
		if connection, err := new(net.Dialer).DialContext(ctx, "unix", d.socket); err == nil {
			return connection.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("starting buildkitd: %w; its log ends:\n%s", context.Cause(ctx), d.logEnd())
		case <-d.exited:
			return fmt.Errorf("starting buildkitd: it ended; its log ends:\n%s", d.logEnd())
		case <-time.After(poll):
		}
	}
}

// stop ends the daemon.
func (d *daemon) stop() {
	d.cancel()
	<-d.exited
}

// longest is how many bytes of the log's end are shown.
const longest = 2048

// logEnd is what the daemon said last.
func (d *daemon) logEnd() string {
	content, _ := os.ReadFile(d.log)
	return strings.TrimSpace(string(content[max(len(content)-longest, 0):]))
}
