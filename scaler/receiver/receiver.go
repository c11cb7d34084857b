// Package receiver is the endpoint at which the activators' reports arrive, in the
// autoscaler and in the controller. It lets only the activators' service account
// report.
//
// It promises that whoever can reach the port, and sends what it likes, does
// not keep an activator from reporting: connections that have shown no token
// are few and end soon, and the API server is asked about tokens at a bounded
// rate, in turns of the addresses they come from. It does not hold against
// more than mostTurns addresses that all send tokens which look like an
// activator's: then an activator that has not reported within goodFor may have
// to try more than once.
package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
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
	auth    *authorizer
}

// New makes a Receiver. Add it to the manager.
func New(o Options) *Receiver {
	user := "system:serviceaccount:" + o.Activators.Namespace + ":" + o.Activators.Name
	return &Receiver{
		Reports: &report.Server{Changed: o.Changed, Logger: slog.Default()},
		options: o,
		auth:    &authorizer{client: o.Client, user: user},
	}
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*Receiver) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable.
func (r *Receiver) Start(ctx context.Context) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", r.options.Listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", r.options.Listen, err)
	}
	return r.serve(ctx, listener)
}

// headTimeout is how long a connection may take to show a token.
const headTimeout = 5 * time.Second

func (r *Receiver) serve(ctx context.Context, listener net.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc(report.Path, r.take)
	srv := &http.Server{Handler: mux, ConnContext: withStranger, ReadHeaderTimeout: headTimeout, MaxHeaderBytes: 16 << 10}
	srv.SetKeepAlivesEnabled(false) // a connection is for one stream, and a refused one is of no use
	// Streams have no end of their own, so there is nothing to wait for.
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(&strangers{Listener: listener}); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving %s: %w", r.options.Listen, err)
	}
	return nil
}

// take serves one stream of an activator. Others are refused, and what they
// send is not read.
func (r *Receiver) take(w http.ResponseWriter, req *http.Request) {
	token, _ := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
	conn := strangerOf(req.Context())
	if no := r.auth.authorize(req.Context(), token, conn.address, conn.known); no != nil {
		refused.WithLabelValues(no.reason).Inc()
		// Or net/http would wait for more of the body before it closes.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now())
		http.Error(w, no.err.Error(), no.status)
		return
	}
	conn.known()
	if streams := r.options.Streams; streams != nil {
		streams.Inc()
		defer streams.Dec()
	}
	r.Reports.ServeHTTP(w, req)
}
