package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler"
	"github.com/headway-dev/headway/reconciler/answers"
	"github.com/headway-dev/headway/reconciler/promotion"
	"github.com/headway-dev/headway/reconciler/revision"
	"github.com/headway-dev/headway/scaler/receiver"
	"github.com/headway-dev/headway/scaler/report"
	"github.com/headway-dev/headway/watcher"
)

// shutdownTimeout bounds how long running reconciliations may finish after the
// program was asked to stop.
const shutdownTimeout = 20 * time.Second

// run wires the parts and blocks until ctx ends.
func run(ctx context.Context, f flags) error {
	logTo(f.logLevel)
	park, err := f.park()
	if err != nil {
		return err
	}
	mgr, err := newManager(f)
	if err != nil {
		return err
	}
	if err := reconciler.CheckTekton(mgr); err != nil {
		return err
	}
	feed, err := reports(mgr, f)
	if err != nil {
		return err
	}
	err = reconciler.Setup(ctx, mgr, revision.Options{
		Public:             address.Public{Scheme: f.publicScheme, Domain: f.domain, Port: f.publicPort},
		Registry:           f.registry,
		InsecureRegistries: f.insecure(),
		RegistrySecret:     f.registrySecret,
		BuildNamespace:     f.buildNamespace,
		ArtifactURL:        f.artifactURL,
		Park:               park,
	}, feed)
	if err != nil {
		return err
	}
	err = watcher.Setup(ctx, mgr, watcher.Options{Data: f.data, ArtifactListen: f.artifactListen, WebhookListen: f.webhookListen})
	if err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}

// reports takes what the activators count, for the reconcilers.
func reports(mgr ctrl.Manager, f flags) (*answers.Feed, error) {
	activators, err := receiver.ParseAccount(f.activators)
	if err != nil {
		return nil, err
	}
	var endpoint *receiver.Receiver
	feed := answers.New(func(revision types.NamespacedName) promotion.Answers {
		a := endpoint.Reports.Answers(report.Key(revision))
		return promotion.Answers{All: a.Ended, Bad: a.Bad}
	})
	endpoint = receiver.New(receiver.Options{
		Listen: f.reportListen, Activators: activators, Client: mgr.GetClient(),
		Changed: func(key report.Key) { feed.Changed(types.NamespacedName(key)) },
	})
	if err := mgr.Add(endpoint); err != nil {
		return nil, fmt.Errorf("adding the endpoint for reports: %w", err)
	}
	return feed, nil
}

// newManager makes the manager that holds the cache, the lease and the metrics
// and health endpoints.
func newManager(f flags) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme, pipelines.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering API types: %w", err)
		}
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's address: %w", err)
	}
	config.QPS, config.Burst = 100, 200
	timeout := shutdownTimeout
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                        scheme,
		Cache:                         reconciler.CacheOptions(f.buildNamespace),
		Client:                        client.Options{Cache: &client.CacheOptions{DisableFor: reconciler.Uncached()}},
		Metrics:                       server.Options{BindAddress: f.metricsListen},
		HealthProbeBindAddress:        f.healthListen,
		LeaderElection:                f.leaderElect,
		LeaderElectionID:              "headway-controller",
		LeaderElectionReleaseOnCancel: true,
		GracefulShutdownTimeout:       &timeout,
	})
	if err != nil {
		return nil, fmt.Errorf("making the manager: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, fmt.Errorf("adding the health check: %w", err)
	}
	if err := mgr.AddReadyzCheck("leading", leading(mgr)); err != nil {
		return nil, fmt.Errorf("adding the readiness check: %w", err)
	}
	return mgr, nil
}

// leading is ready on the replica that holds the lease: it alone has the
// artifacts and answers webhooks, so the Service must reach no other.
func leading(mgr ctrl.Manager) healthz.Checker {
	return func(*http.Request) error {
		select {
		case <-mgr.Elected():
			return nil
		default:
			return errors.New("another replica holds the lease")
		}
	}
}

// logTo sends all logs, also those of libraries, to standard error as JSON.
func logTo(level slog.Level) {
	handler := slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level})
	slog.SetDefault(slog.New(handler))
	ctrl.SetLogger(logr.FromSlogHandler(handler))
	klog.SetSlogLogger(slog.New(handler))
}
