// Command autoscaler decides how many pods every revision has.
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
