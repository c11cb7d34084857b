// Package receiver is the endpoint at which the activators' reports arrive, in the
// autoscaler and in the controller. It lets only the activators' service account
// report.
package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/scaler/report"
)

// Options of a Receiver.
type Options struct {
	// Listen is the address of the endpoint.
	Listen string
	// Activators is the service account that may report, namespace/name.
	Activators types.NamespacedName
	// Client asks the API server whose a token is.
	Client client.Client
	// Changed is told which revisions a report names. It must not block.
	Changed func(report.Key)
	// Streams counts the activators that report; may be nil.
	Streams prometheus.Gauge
}

// Receiver takes streams, on the leader of a program and on those that stand by.
type Receiver struct {
	// Reports are what the streams say.
	Reports *report.Server
	options Options
}

// New makes a Receiver. Add it to the manager.
func New(o Options) *Receiver {
	auth := authorizer{client: o.Client, user: "system:serviceaccount:" + o.Activators.Namespace + ":" + o.Activators.Name}
	return &Receiver{
		Reports: &report.Server{Authorize: auth.authorize, Changed: o.Changed, Logger: slog.Default()},
		options: o,
	}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*Receiver) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable.
func (r *Receiver) Start(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc(report.Path, func(w http.ResponseWriter, req *http.Request) {
		if streams := r.options.Streams; streams != nil {
			streams.Inc()
			defer streams.Dec()
		}
		r.Reports.ServeHTTP(w, req)
	})
	srv := &http.Server{Addr: r.options.Listen, Handler: mux, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	// Streams have no end of their own, so there is nothing to wait for.
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving %s: %w", r.options.Listen, err)
	}
	return nil
}
