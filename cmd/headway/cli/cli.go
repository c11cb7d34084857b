// Package cli is what the commands of headway share: streams and exit codes, the
// way to the cluster, tables, colours and completion. It decides nothing about
// apps; what their state means is said by api/explain.
package cli

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

// Streams are where a command reads and writes: data goes to Out, everything
// else to Err.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// usageError is a command line that makes no sense.
type usageError struct{ message string }

func (e usageError) Error() string { return e.message }

// Usagef is the error of a command line that makes no sense.
func Usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// ErrReported ends a command as failed when the reasons were printed already,
// one by one.
var ErrReported = errors.New("reported")

// Run executes one command line and returns the exit code.
func Run(ctx context.Context, root *cobra.Command, args []string, s Streams) int {
	// The libraries below log what the commands report as errors.
	klog.SetOutput(io.Discard)
	klog.LogToStderr(false)
	log.SetLogger(logr.Discard())

	// Whether the command line made enough sense for a command to run.
	started := false
	root.PersistentPreRun = func(*cobra.Command, []string) { started = true }
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.Err)
	root.SetArgs(args)
	completion(root)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, ErrReported):
		return exitFailed
	case !started || errors.As(err, &usage):
		_, _ = fmt.Fprintf(s.Err, "headway: %s\nRun 'headway --help' or 'headway <command> --help' for usage.\n", tidy(err))
		return exitUsage
	}
	_, _ = fmt.Fprintf(s.Err, "headway: %s\n", tidy(err))
	return exitFailed
}

// tidy brings an error into one line where it is one.
func tidy(err error) string { return strings.TrimRight(err.Error(), "\n") }

// Group makes a command that only holds others.
func Group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return Usagef("%s needs a command: %s", cmd.CommandPath(), names(cmd.Commands()))
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
