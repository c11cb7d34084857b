package activator

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/headway-dev/headway/scaler/activator/accesslog"
	"github.com/headway-dev/headway/scaler/activator/keeper"
	"github.com/headway-dev/headway/scaler/activator/stats"
	"github.com/headway-dev/headway/scaler/activator/table"
	"github.com/headway-dev/headway/scaler/supervise"
)

// adminHandler serves metrics, health, the switch of the access log and the
// questions of other activators.
func (p *process) adminHandler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		stats.Collector{Samples: samples(&p.tables)},
		p.server.answers,
		p.server.mirror,
		p.server.budget,
		p.starts,
		restarts(),
	)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		p.awaitServing(r.Context())
		if !p.ready.Load() {
			http.Error(w, "not ready: starting or stopping", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("PUT /access-log", func(w http.ResponseWriter, r *http.Request) { switchLog(w, r, p.access) })
	mux.Handle(keeper.Path, keeper.Handler(&p.tables))
	return mux
}

// startPatience is how long a question for readiness waits for an activator that
// starts. After a crash the parent holds the ports and the next process serves
// within a second: the kubelet, whose probe in deploy/base/activator.yaml waits
// for longer, need not hear of it. To take the pod out of its Service would
// refuse the connections of a Service that has no other.
const startPatience = 1500 * time.Millisecond

func (p *process) awaitServing(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	select {
	case <-p.serving: // or it serves no more
	case <-ctx.Done():
	}
}

// restarts is how often the parent has started this program again.
func restarts() prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "headway_activator_restarts_total",
		Help: "Crashes of the activator in this container after which its parent has started it again.",
	}, func() float64 { return float64(supervise.Restarts()) })
}

// samples is the load of each revision for Prometheus.
func samples(tables *atomic.Pointer[table.Table]) func(func(stats.Sample)) {
	return func(yield func(stats.Sample)) {
		for r := range tables.Load().Revisions() {
			load := r.Load()
			yield(stats.Sample{
				Namespace: r.Namespace, App: r.App, Revision: r.Name, Counters: &r.Stats,
				OpenPods: load.Open, InFlight: load.InFlight, Queued: load.Queued,
			})
		}
	}
}

// switchLog takes "on" or "off". It listens to the pod itself only, which
// kubectl port-forward speaks as, since any pod of the cluster can reach this
// port.
func switchLog(w http.ResponseWriter, r *http.Request, access *accesslog.Log) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !net.ParseIP(host).IsLoopback() {
		http.Error(w, "use kubectl port-forward", http.StatusForbidden)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16))
	switch {
	case err == nil && string(body) == "on":
		access.Switch(true)
	case err == nil && string(body) == "off":
		access.Switch(false)
	default:
		http.Error(w, `the body must be "on" or "off"`, http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "access log %s\n", body)
}
