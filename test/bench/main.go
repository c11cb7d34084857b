// Command bench measures Headway on the local cluster: how long a push takes,
// what the activator costs and how much memory the control plane has. It prints
// a table, writes test/bench/out.json and fails when a "must" is missed.
//
// Everything is measured side by side in one run, so that ratios hold on any
// machine; the seconds are the machine's.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}
