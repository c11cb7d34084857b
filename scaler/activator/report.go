package activator

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/headway-dev/headway/scaler/activator/record"
	"github.com/headway-dev/headway/scaler/report"
)

// reporter tells the autoscaler and the controller how each revision does, as far
// as there are any. waiting is for a request that begins to wait, run for the
// time in between.
func (p *process) reporter() (waiting func(), run func(context.Context) error) {
	waiting = func() {}
	var clients []*report.Client
	for _, to := range []string{p.Autoscaler, p.Controller} {
		if to == "" {
			continue
		}
		client := report.NewClient(report.Options{
			To: to, Identity: p.identity, TokenFile: p.ReportToken, Logger: p.Logger, Samples: p.reportSamples,
		})
		if to == p.Autoscaler {
			waiting = client.Edge // the controller has nothing to do about it
		}
		clients = append(clients, client)
	}
	return waiting, func(ctx context.Context) error {
		g, ctx := errgroup.WithContext(ctx)
		for _, client := range clients {
			g.Go(func() error { return client.Run(ctx) })
		}
		return g.Wait()
	}
}

func (p *process) reportSamples(yield func(report.Sample)) {
	for r := range p.tables.Load().Revisions() {
		load := r.Load()
		s := report.Sample{
			Key:      report.Key{Namespace: r.Namespace, Name: r.Name},
			InFlight: load.InFlight, Queued: load.Queued, Requests: load.Arrived, Busy: load.Busy,
			Waiting: r.Stats.Waiting(), FirstByte: &r.Stats.FirstByte, Timed: r.Stats.Timed(),
			Split: r.Stats.Tally(record.Split), Repeat: r.Stats.Tally(record.Repeat), Direct: r.Stats.Tally(record.Direct),
		}
		if load.InFlight > 0 {
			for _, pod := range r.PodLoads() {
				s.Pods = append(s.Pods, report.Pod(pod))
			}
		}
		yield(s)
	}
}
