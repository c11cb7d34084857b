package activator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headway-dev/headway/scaler/activator/accesslog"
	"github.com/headway-dev/headway/scaler/activator/table"
	"github.com/headway-dev/headway/scaler/activator/watch"
	"github.com/headway-dev/headway/scaler/report"
)

const (
	// leaveDelay is how long the activator still accepts connections after it
	// has been told to stop: until every node knows that it is not ready.
	leaveDelay = 5 * time.Second
	// longestDrain is the longest timeout that a revision can have.
	longestDrain = time.Hour
)

// Run serves until ctx ends, and then until the requests in flight have ended.
// It opens the port for requests only when it knows every Route.
func Run(ctx context.Context, o Options) error {
	var tables atomic.Pointer[table.Table]
	tables.Store(table.Compile(nil, nil))
	waiting := func() {}
	var reporter *report.Client
	if o.Autoscaler != "" {
		var err error
		if reporter, err = newReporter(o, &tables); err != nil {
			return fmt.Errorf("preparing to report to the autoscaler: %w", err)
		}
		waiting = reporter.Edge
	}
	watcher, err := watch.New(o.Kubernetes, &tables, waiting)
	if err != nil {
		return fmt.Errorf("preparing to watch the cluster: %w", err)
	}
	access := accesslog.New(o.Logger, o.AccessLog)
	server := NewServer(&tables, access, o.Logger)

	var ready atomic.Bool
	admin := &http.Server{Handler: adminHandler(&tables, access, &ready), ReadHeaderTimeout: headerTimeout}
	adminListener, err := listen(ctx, o.AdminListen)
	if err != nil {
		return err
	}

	// Watching and the admin port outlive ctx: they are needed while the
	// requests in flight end.
	g, alive := errgroup.WithContext(context.WithoutCancel(ctx))
	alive, finished := context.WithCancel(alive)
	defer finished()
	g.Go(func() error { return watcher.Run(alive) })
	if reporter != nil {
		g.Go(func() error { return reporter.Run(alive) })
	}
	g.Go(func() error {
		if err := admin.Serve(adminListener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving %s: %w", o.AdminListen, err)
		}
		return nil
	})
	g.Go(func() error {
		defer finished()
		defer admin.Close()
		select {
		case <-watcher.Synced():
		case <-ctx.Done():
			return nil
		case <-alive.Done():
			return nil // another one failed
		}
		return serve(ctx, alive, server, o, &ready)
	})
	return g.Wait()
}

// serve opens the port for requests and closes it in order.
func serve(ctx, alive context.Context, server *Server, o Options, ready *atomic.Bool) error {
	listener, err := listen(ctx, o.Listen)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	ready.Store(true)
	o.Logger.Info("serving", "address", listener.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-alive.Done():
		server.Close()
		return <-failed
	case <-ctx.Done():
	}

	ready.Store(false)
	server.Leave()
	o.Logger.Info("leaving", "inFlight", server.running.Len())
	select {
	case <-time.After(leaveDelay):
	case <-alive.Done():
	}
	drain, cancel := context.WithTimeout(alive, longestDrain)
	defer cancel()
	if err := server.Drain(drain); err != nil {
		return err
	}
	o.Logger.Info("stopped")
	return <-failed
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", address, err)
	}
	return l, nil
}
