// Command autoscaler decides how many pods every revision has.
package main

import (
	"context"
	"flag"
	"log/slog"

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
	listen        string
	metricsListen string
	healthListen  string
	activators    string
	parkKey       string
	leaderElect   bool
	logLevel      slog.Level
}

func (f *flags) register(set *flag.FlagSet) {
	set.StringVar(&f.listen, "listen", ":8091", "address for the activators' reports")
	set.StringVar(&f.metricsListen, "metrics-listen", ":8092", "address of /metrics")
	set.StringVar(&f.healthListen, "health-listen", ":8093", "address of /healthz and /readyz")
	set.StringVar(&f.activators, "activators", "headway-system/headway-activator", "service account whose holders may report, as namespace/name")
	set.StringVar(&f.parkKey, "park-key", "", "folder with the Secret headway-park, whose key wakes parked pods; empty: none is woken")
	set.BoolVar(&f.leaderElect, "leader-elect", false, "hold a lease in the program's own namespace, so that one of several replicas scales")
	set.TextVar(&f.logLevel, "log-level", slog.LevelInfo, "least level to log: debug, info, warn or error")
}
