package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/manager"
	"github.com/headway-dev/headway/scaler/autoscaler"
	"github.com/headway-dev/headway/scaler/park"
	"github.com/headway-dev/headway/scaler/receiver"
)

// run wires the parts and blocks until ctx ends.
func run(ctx context.Context, f flags) error {
	activators, err := receiver.ParseAccount(f.Activators)
	if err != nil {
		return err
	}
	options := autoscaler.Options{Listen: f.listen, Activators: activators, Lease: f.Lease("headway-autoscaler", "")}
	if f.parkKey != "" {
		waker, err := park.LoadWaker(f.parkKey)
		if err != nil {
			return err
		}
		options.Waker = waker
	}
	mgr, err := manager.New(f.Flags, ctrl.Options{Cache: autoscaler.CacheOptions()}, 200, appsv1.AddToScheme, authenticationv1.AddToScheme, autoscalingv1.AddToScheme, corev1.AddToScheme, v1alpha1.AddToScheme)
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
