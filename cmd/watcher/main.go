// Command watcher looks at git repositories and their forges, and makes the
// objects that the controller acts on.
package main

import (
	"context"
	"flag"

	"github.com/headway-dev/headway/cmd/manager"
	"github.com/headway-dev/headway/cmd/program"
)

func main() {
	var f flags
	f.register(flag.CommandLine)
	flag.Parse()
	program.Main(func(ctx context.Context) error { return run(ctx, f) })
}

// flags are the program's settings.
type flags struct {
	manager.Flags
	manager.Public

	data           string
	artifactListen string
	webhookListen  string
	address        string
}

func (f *flags) register(set *flag.FlagSet) {
	f.Public.Register(set)
	set.StringVar(&f.data, "data", "/data", "folder for git caches and source artifacts; all of it can be fetched again")
	set.StringVar(&f.artifactListen, "artifact-listen", ":8082", "address of the artifact server")
	set.StringVar(&f.webhookListen, "webhook-listen", ":8081", "address of the webhook endpoint, POST /webhook")
	set.StringVar(&f.address, "address", "", "IP address of this replica, at which others reach its artifact server and webhook endpoint while it leads")
	f.Flags.Register(set, ":8095", ":8096")
	f.RegisterLeader(set)
}
