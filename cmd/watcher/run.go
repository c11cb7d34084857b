package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/headway-dev/headway/api/election"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/manager"
	"github.com/headway-dev/headway/watcher"
	"github.com/headway-dev/headway/watcher/artifact"
)

// shutdownTimeout bounds how long looks under way may take to end after the
// program was asked to stop.
const shutdownTimeout = 20 * time.Second

// run wires the parts and blocks until ctx ends.
func run(ctx context.Context, f flags) error {
	public, err := f.Address()
	if err != nil {
		return err
	}
	mgr, err := manager.New(f.Flags, ctrl.Options{
		Cache:                   cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
		GracefulShutdownTimeout: new(shutdownTimeout),
	}, 100, corev1.AddToScheme, v1alpha1.AddToScheme)
	if err != nil {
		return err
	}
	leader, err := election.NewLeader(mgr, f.Lease("headway-watcher", f.address))
	if err != nil {
		return err
	}
	err = watcher.Setup(ctx, mgr, watcher.Options{
		Leader: leader, Data: f.data, ArtifactListen: f.artifactListen, WebhookListen: f.webhookListen,
		Artifacts: artifact.DefaultQuota(), Public: public,
	})
	if err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}
