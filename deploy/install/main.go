// Command install puts Headway onto the cluster of KUBECONFIG: it builds the
// images, pushes them to a registry that the cluster can pull from, applies the
// manifests and waits until all of it runs. `make deploy` and `make up` call it.
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var s settings
	s.register(flag.CommandLine)
	flag.Parse()
	if err := install(ctx, s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
