package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/autoscaler"
	"github.com/headway-dev/headway/scaler/park"
)

// run wires the parts and blocks until ctx ends.
func run(ctx context.Context, f flags, activators types.NamespacedName) error {
	logger := slog.New(slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{Level: f.logLevel}))
	slog.SetDefault(logger)
	ctrl.SetLogger(logr.FromSlogHandler(logger.Handler()))
	klog.SetSlogLogger(logger)

	options := autoscaler.Options{Listen: f.listen, Activators: activators}
	if f.leaderElect {
		options.Lease = &autoscaler.Lease{}
	}
	if f.parkKey != "" {
		waker, err := park.LoadWaker(f.parkKey)
		if err != nil {
			return err
		}
		options.Waker = waker
	}
	mgr, err := newManager(f)
	if err != nil {
		return err
	}
	if err := autoscaler.Setup(ctx, mgr, options); err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}

// newManager makes the manager that holds the cache, the lease and the metrics
// and health endpoints.
func newManager(f flags) (ctrl.Manager, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		appsv1.AddToScheme, authenticationv1.AddToScheme, autoscalingv1.AddToScheme, corev1.AddToScheme, v1alpha1.AddToScheme,
	} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering API types: %w", err)
		}
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's address: %w", err)
	}
	config.QPS, config.Burst = 200, 400
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                 scheme,
		Cache:                  autoscaler.CacheOptions(),
		Metrics:                server.Options{BindAddress: f.metricsListen},
		HealthProbeBindAddress: f.healthListen,
	})
	if err != nil {
		return nil, fmt.Errorf("making the manager: %w", err)
	}
	for _, add := range []func(string, healthz.Checker) error{mgr.AddHealthzCheck, mgr.AddReadyzCheck} {
		if err := add("ping", healthz.Ping); err != nil {
			return nil, fmt.Errorf("adding the health check: %w", err)
		}
	}
	return mgr, nil
}
