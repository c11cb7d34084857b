// Package tool runs somebody else's program for a build step, such as a
// compiler, and remembers what it said was wrong.
//
// It promises that all output is passed on as it comes. It does not know what
// the programs print; each caller brings the function that picks the cause.
package tool

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
)

// Failed is a tool that ended badly after it had printed why, so that nothing
// more should be printed.
type Failed struct {
	// Tool is its name.
	Tool string
	// Cause is what it said is wrong, in one line; empty if that is unknown.
	Cause string
}

// Error is the cause, in the tool's own words where there are any.
func (f *Failed) Error() string {
	return cmp.Or(f.Cause, f.Tool+" failed")
}

// Cause picks out of a tool's lines, which come one by one, what went wrong.
type Cause interface {
	// Line takes the next line, without its end.
	Line(line string)
	// String is the cause in one line; empty where no line told it.
	String() string
}

// Run runs the command. What it prints goes to output and to cause, save the
// standard output of a command that has a place for it. A command that ran and
// failed gives a *Failed.
func Run(ctx context.Context, cmd *exec.Cmd, output io.Writer, cause Cause) error {
	lines := &splitter{each: cause.Line}
	both := io.MultiWriter(output, lines)
	if cmd.Stderr = both; cmd.Stdout == nil {
		cmd.Stdout = both
	}
	err := cmd.Run()
	lines.end()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return &Failed{Tool: filepath.Base(cmd.Path), Cause: cause.String()}
	}
	if err != nil {
		return fmt.Errorf("starting %s: %w", filepath.Base(cmd.Path), err)
	}
	return nil
}

// longest is how much of a line is looked at, in bytes.
const longest = 4096

// splitter cuts a stream into lines.
type splitter struct {
	each func(string)
	line []byte
}

func (s *splitter) Write(p []byte) (int, error) {
	for rest := p; ; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		s.line = append(s.line, line[:min(len(line), longest-len(s.line))]...)
		if !ended {
			return len(p), nil
		}
		s.end()
		rest = after
	}
}

// end passes on the line that was begun, if one was.
func (s *splitter) end() {
	if len(s.line) > 0 {
		s.each(strings.TrimSuffix(strings.ToValidUTF8(string(s.line), "?"), "\r"))
	}
	s.line = s.line[:0]
}
