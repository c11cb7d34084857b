// Command controller watches git repositories, builds their apps and routes
// traffic to them: the watcher and all reconcilers in one process.
package main

import (
	"context"
	"flag"

	"github.com/headway-dev/headway/cmd/program"
)

func main() {
	var f flags
	f.register(flag.CommandLine)
	flag.Parse()
	program.Main(func(ctx context.Context) error { return run(ctx, f) })
}
