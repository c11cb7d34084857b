// Command eventing keeps events and delivers them.
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
	data, listen, url, activator string
}

func (f *flags) register(set *flag.FlagSet) {
	set.StringVar(&f.data, "data", "/data", "folder for events and for how far each subscription is; nothing of it can be had again from elsewhere")
	set.StringVar(&f.listen, "listen", ":8080", "address for events, POST /<namespace>/<channel>")
	set.StringVar(&f.url, "url", "http://headway-events.headway-system", "URL by which that address is reached in the cluster")
	set.StringVar(&f.activator, "activator", "http://headway-activator.headway-system", "URL of the activators' Service, by which events reach apps")
	f.Register(set, ":8086", ":8087")
}
