// Command activator routes requests to the pods of apps.
package main

import (
	"context"
	"flag"
	"log/slog"

	"github.com/headway-dev/headway/cmd/cluster"
	"github.com/headway-dev/headway/cmd/logging"
	"github.com/headway-dev/headway/cmd/program"
	"github.com/headway-dev/headway/scaler/activator"
)

func main() {
	var o activator.Options
	o.Bind(flag.CommandLine)
	flag.Parse()
	o.Logger = logging.Setup(slog.LevelInfo)
	program.Main(func(ctx context.Context) (err error) {
		if o.Kubernetes, err = cluster.Config(); err != nil {
			return err
		}
		return activator.Run(ctx, o)
	})
}
