// Command activator routes requests to the pods of apps.
package main

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client/config"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/headway-dev/headway/scaler/activator"
)

func main() {
	o := activator.Options{Logger: slog.New(slog.NewJSONHandler(os.Stdout, nil))}
	o.Bind(flag.CommandLine)
	flag.Parse()
	slog.SetDefault(o.Logger) // net/http logs through package log
	ctrllog.SetLogger(logr.FromSlogHandler(o.Logger.Handler()))
	klog.SetSlogLogger(o.Logger)

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	var err error
	if o.Kubernetes, err = config.GetConfig(); err == nil {
		err = activator.Run(ctx, o)
	}
	if err != nil {
		o.Logger.Error("activator failed", "error", err)
		os.Exit(1)
	}
}
