package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// command runs a program of the machine with an input; what it printed goes into
// the error when it fails.
func command(ctx context.Context, stdin, name string, args ...string) error {
	run := exec.CommandContext(ctx, name, args...)
	run.Stdin = strings.NewReader(stdin)
	printed, err := run.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, lastLines(string(printed), 20))
	}
	return nil
}

// lastLines keeps the last n lines of a text.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(len(lines)-n, 0):], "\n")
}
