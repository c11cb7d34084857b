// Package program is the frame that Headway's programs share: it ends them when
// they are told to, and says why they failed.
package program

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// Main runs a program with a context that ends at SIGINT or SIGTERM. The program
// ends with 1 after an error, which goes to standard error behind its name.
func Main(run func(context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", filepath.Base(os.Args[0]), err)
		os.Exit(1)
	}
}
