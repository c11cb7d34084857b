// Command autoscaler decides how many pods every revision has.
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
	listen  string
	parkKey string
}

func (f *flags) register(set *flag.FlagSet) {
	set.StringVar(&f.listen, "listen", ":8091", "address for the activators' reports")
	f.Register(set, ":8092", ":8093")
	f.RegisterReported(set)
	f.RegisterLeader(set)
	set.StringVar(&f.parkKey, "park-key", "", "folder with the Secret headway-park, whose key wakes parked pods; empty: none is woken")
}
