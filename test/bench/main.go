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

	"github.com/headway-dev/headway/cmd/program"
)

func main() {
	only := flag.String("only", "", "rows to measure, by the beginnings of their names, with commas between; empty for all")
	flag.Parse()
	program.Main(func(ctx context.Context) error { return run(ctx, *only) })
}
