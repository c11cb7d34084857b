// Package command runs programs of this machine for those that build, install
// and bring up Headway.
package command

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// complaints is how many lines of what a failed program said are shown.
const complaints = 40

// Output runs the command and returns what it printed. An error names the
// program and its first argument only, since others may be secret, and ends with
// the last lines of the standard error.
func Output(c *exec.Cmd) (string, error) {
	out, err := c.Output()
	if err == nil {
		return string(out), nil
	}
	name := strings.Join(append([]string{filepath.Base(c.Path)}, c.Args[1:min(2, len(c.Args))]...), " ")
	if failed := new(exec.ExitError); errors.As(err, &failed) {
		return "", fmt.Errorf("running %s: %w\n%s", name, err, LastLines(string(failed.Stderr), complaints))
	}
	return "", fmt.Errorf("running %s: %w", name, err)
}

// LastLines keeps the last n lines of a text.
func LastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(len(lines)-n, 0):], "\n")
}
