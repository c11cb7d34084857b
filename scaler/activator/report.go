package activator

import (
	"context"

	"github.com/headway-dev/headway/scaler/report"
)

// reporter tells the autoscaler how busy each revision is, if there is one.
// waiting is for a request that begins to wait, run for the time in between.
func (p *process) reporter() (waiting func(), run func(context.Context) error) {
	if p.Autoscaler == "" {
		return func() {}, func(context.Context) error { return nil }
	}
	client := report.NewClient(report.Options{
		Autoscaler: p.Autoscaler,
		Identity:   p.identity,
		TokenFile:  p.AutoscalerToken,
		Logger:     p.Logger,
		Samples:    p.reportSamples,
	})
	return client.Edge, client.Run
}

func (p *process) reportSamples(yield func(report.Sample)) {
	for r := range p.tables.Load().Revisions() {
		load := r.Load()
		s := report.Sample{
			Key:      report.Key{Namespace: r.Namespace, Name: r.Name},
			InFlight: load.InFlight, Queued: load.Queued, Requests: load.Arrived, Busy: load.Busy,
		}
		if load.InFlight > 0 {
			for _, pod := range r.PodLoads() {
				s.Pods = append(s.Pods, report.Pod(pod))
			}
		}
		yield(s)
	}
}
