package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Exit codes of every command.
const (
	exitOK     = 0
	exitFailed = 1 // what was asked for did not work, or a checked file has problems
	exitUsage  = 2 // the command line makes no sense
)

// streams are where a command reads and writes: data goes to out, everything
// else to err.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// usageError is a command line that makes no sense.
type usageError struct{ message string }

func (e usageError) Error() string { return e.message }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// errReported ends a command with exitFailed when the reasons were printed
// already, one by one.
var errReported = errors.New("reported")

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, io streams) int {
	// The libraries below log what the commands report as errors.
	klog.SetOutput(discard{})
	klog.LogToStderr(false)
	log.SetLogger(logr.Discard())

	root, started := newRoot(io)
	completion(root)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		return exitFailed
	case !*started || errors.As(err, &usage):
		_, _ = fmt.Fprintf(io.err, "headway: %s\nRun 'headway --help' or 'headway <command> --help' for usage.\n", tidy(err))
		return exitUsage
	}
	_, _ = fmt.Fprintf(io.err, "headway: %s\n", tidy(err))
	return exitFailed
}

// tidy brings an error into one line where it is one.
func tidy(err error) string { return strings.TrimRight(err.Error(), "\n") }

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// newRoot builds the command tree. started tells afterwards whether the
// command line made enough sense for a command to run.
func newRoot(io streams) (root *cobra.Command, started *bool) {
	started = new(bool)
	access := &access{}
	root = &cobra.Command{
		Use:   "headway",
		Short: "Push to deploy: check headway.yaml and see what is live",
		Long: `headway checks headway.yaml before a push and shows after it what is live.
Deploying is a push; there is no command for it.

Exit codes: 0 done, 1 it did not work or a file has problems, 2 wrong usage.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		PersistentPreRun: func(*cobra.Command, []string) {
			*started = true
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(io.in)
	root.SetOut(io.out)
	root.SetErr(io.err)
	access.flags(root)
	root.AddCommand(
		newInit(io), newValidate(io, access),
		newStatus(io, access), newLogs(io, access), newRetry(io, access), newRestart(io, access),
		newRepo(io, access), newVersion(io),
	)
	return root, started
}

// group makes a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return usagef("%s needs a command: %s", cmd.CommandPath(), names(cmd.Commands()))
		},
	}
	c.AddCommand(commands...)
	return c
}

func names(commands []*cobra.Command) string {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name())
	}
	return strings.Join(names, ", ")
}
