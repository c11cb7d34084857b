package autoscaler

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/headway-dev/headway/scaler/report"
)

// server takes the activators' streams, on the leader and on those that stand
// by.
type server struct {
	listen  string
	reports *report.Server
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (server) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable.
func (s server) Start(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc(report.Path, func(w http.ResponseWriter, r *http.Request) {
		streams.Inc()
		defer streams.Dec()
		s.reports.ServeHTTP(w, r)
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 16 << 10}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", s.listen)
	if err != nil {
		return fmt.Errorf("listening on %s: %w", s.listen, err)
	}
	// Streams have no end of their own, so there is nothing to wait for.
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving %s: %w", s.listen, err)
	}
	return nil
}
