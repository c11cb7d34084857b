package park

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"syscall"
)

// Exit codes of the program itself; see also codeCannot and codeMissing.
const (
	codeFailed = 1
	codeUsage  = 2
)

var errUsage = errors.New("usage: park COMMAND [ARGUMENT]... in a pod that Headway made")

// stopSignals are those that images name as STOPSIGNAL; 37 is SIGRTMIN+3. Some
// would be passed over, and the pod would be waited for in vain.
var stopSignals = []os.Signal{
	syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2,
	syscall.SIGWINCH, syscall.Signal(37),
}

// application is what the process becomes.
type application struct {
	path string
	args []string
	env  []string
}

// versionFlag is what a pod runs that only brings the image to a node.
const versionFlag = "--version"

// Run waits for the wake call and replaces the process by the application, the
// command in args. It returns, with the exit code, only if that cannot be or if
// a signal asks it to stop, which is code 0. What is wrong with the command is
// found out before the wait: 127 means that it is missing, 126 that it cannot be
// executed. Nothing is written unless it fails: what is written would stand in
// the application's log. With --version alone it names the protocol and returns 0.
func Run(args, env []string, out, complaints io.Writer) int {
	if slices.Equal(args, []string{versionFlag}) {
		fmt.Fprintln(out, protocol)
		return 0
	}
	err := run(args, env)
	if err == nil {
		return 0
	}
	fmt.Fprintln(complaints, "headway park:", err)
	if command := (*commandError)(nil); errors.As(err, &command) {
		return command.code()
	}
	if errors.Is(err, errUsage) {
		return codeUsage
	}
	return codeFailed
}

// run returns nil if it was told to stop.
func run(args, env []string) error {
	g, app, err := prepare(args, env)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), stopSignals...)
	defer stop()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ":"+port)
	if err != nil {
		return fmt.Errorf("listening for the wake call: %w", err)
	}
	err = wait(ctx, listener, g)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	stop() // a signal that was ignored when the process began is ignored again
	// The system closes what this program has opened, and the runtime gives back
	// the limit of open files that it has raised.
	return refused(app.path, syscall.Exec(app.path, app.args, app.env))
}

// prepare reads what the pod says, and looks for the application.
func prepare(args, env []string) (gate, application, error) {
	g := gate{pod: value(env, envPod)}
	if len(args) == 0 || args[0] == "" {
		return g, application{}, errUsage
	}
	if g.pod == "" {
		return g, application{}, fmt.Errorf("%s is not set: %w", envPod, errUsage)
	}
	var err error
	if g.key, err = parsePublic(value(env, envKey)); err != nil {
		return g, application{}, fmt.Errorf("reading %s: %w: %w", envKey, err, errUsage)
	}
	path, err := find(args[0], value(env, "PATH"), isExecutable)
	return g, application{path: path, args: args, env: environment(env)}, err
}
