package activator

import (
	"os"
	"sync/atomic"

	"github.com/headway-dev/headway/scaler/activator/table"
	"github.com/headway-dev/headway/scaler/report"
)

// newReporter tells the autoscaler how busy each revision is.
func newReporter(o Options, tables *atomic.Pointer[table.Table]) (*report.Client, error) {
	identity, err := os.Hostname() // the name of the pod
	if err != nil {
		return nil, err
	}
	return report.NewClient(report.Options{
		Autoscaler: o.Autoscaler,
		Identity:   identity,
		TokenFile:  o.AutoscalerToken,
		Logger:     o.Logger,
		Samples: func(yield func(report.Sample)) {
			for _, r := range tables.Load().Revisions() {
				load := r.Load()
				s := report.Sample{
					Key:      report.Key{Namespace: r.Namespace, Name: r.Name},
					InFlight: load.InFlight, Queued: load.Queued, Requests: load.Arrived, Busy: load.Busy,
				}
				if load.InFlight > 0 {
					for _, p := range r.PodLoads() {
						s.Pods = append(s.Pods, report.Pod(p))
					}
				}
				yield(s)
			}
		},
	}), nil
}
