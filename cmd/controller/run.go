package main

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/election"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/manager"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler"
	"github.com/headway-dev/headway/reconciler/promotion"
	"github.com/headway-dev/headway/reconciler/promotion/gate"
	"github.com/headway-dev/headway/reconciler/revision"
	"github.com/headway-dev/headway/reconciler/trial"
	"github.com/headway-dev/headway/scaler/receiver"
	"github.com/headway-dev/headway/scaler/report"
)

// shutdownTimeout bounds how long running reconciliations may finish after the
// program was asked to stop.
const shutdownTimeout = 20 * time.Second

// run wires the parts and blocks until ctx ends.
func run(ctx context.Context, f flags) error {
	if err := f.check(); err != nil {
		return err
	}
	public, err := f.Address()
	if err != nil {
		return err
	}
	park, err := f.park()
	if err != nil {
		return err
	}
	mgr, err := manager.New(f.Flags, ctrl.Options{
		Cache:                   reconciler.CacheOptions(f.buildNamespace),
		Client:                  client.Options{Cache: &client.CacheOptions{DisableFor: reconciler.Uncached()}},
		GracefulShutdownTimeout: new(shutdownTimeout),
	}, 100, clientgoscheme.AddToScheme, v1alpha1.AddToScheme, pipelines.AddToScheme)
	if err != nil {
		return err
	}
	if err := reconciler.CheckTekton(mgr); err != nil {
		return err
	}
	leader, err := election.NewLeader(mgr, f.Lease("headway-controller", ""))
	if err != nil {
		return err
	}
	feed, err := reports(mgr, f)
	if err != nil {
		return err
	}
	err = reconciler.Setup(ctx, mgr, reconciler.Options{
		Leader: leader,
		Public: public,
		Builds: revision.Builds{
			Registry:           f.registry,
			InsecureRegistries: f.insecure(),
			RegistrySecret:     f.registrySecret,
			BuildNamespace:     f.buildNamespace,
			ArtifactURL:        f.artifactURL,
			Slots:              f.builds,
		},
		Activator: f.activator,
		Park:      park,
		Trials:    feed,
	})
	if err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}

// reports takes what the activators count, for the reconcilers.
func reports(mgr ctrl.Manager, f flags) (*trial.Feed, error) {
	activators, err := receiver.ParseAccount(f.Activators)
	if err != nil {
		return nil, err
	}
	var endpoint *receiver.Receiver
	feed := trial.New(func(revision types.NamespacedName) trial.Measured {
		return measured(endpoint.Reports.Measured(report.Key(revision)))
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

// measured is what reconcilers need to know of a revision's requests.
func measured(m report.Measured) trial.Measured {
	var all promotion.Answers
	for _, t := range []report.Tally{m.Split, m.Repeat, m.Direct} {
		all.All += t.Answered()
		all.Bad += t.Bad()
	}
	return trial.Measured{
		Answers: all,
		Split: gate.Measured{
			Arrived: m.Split.Arrived, Bad: m.Split.Bad(), Again: m.Repeat.Bad(), Timed: m.Timed, Times: m.FirstByte, Waiting: m.Waiting,
		},
	}
}
