// Command bench measures Headway on the local cluster: how long a push takes,
// what the activator costs and how much memory the control plane has. It prints
// a table, writes test/bench/out.json and fails when a "must" is missed.
//
// Everything is measured side by side in one run, so that ratios hold on any
// machine; the seconds are the machine's. With -only it takes the measurements
// whose rows begin with one of the names, and writes no file:
//
//	go run ./test/bench -only activator,coldstart.zero
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	only := flag.String("only", "", "rows to measure, by the beginnings of their names, with commas between; empty for all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}
