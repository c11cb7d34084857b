// Command install puts Headway onto the cluster of KUBECONFIG: it builds the
// images, pushes them to a registry that the cluster can pull from, applies the
// manifests and waits until all of it runs. `make deploy` and `make up` call it.
package main

import (
	"context"
	"flag"
	"os"

	"github.com/headway-dev/headway/cmd/program"
)

func main() {
	var s settings
	s.register(flag.CommandLine)
	flag.Parse()
	program.Main(func(ctx context.Context) error { return install(ctx, s, os.Stdout) })
}
