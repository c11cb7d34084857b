// Command controller builds revisions, runs them and routes traffic to them: all
// reconcilers in one process. It knows nothing of git.
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
