package activator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/headway-dev/headway/scaler/activator/accesslog"
	"github.com/headway-dev/headway/scaler/activator/keeper"
	"github.com/headway-dev/headway/scaler/activator/stats"
	"github.com/headway-dev/headway/scaler/activator/table"
	"github.com/headway-dev/headway/scaler/activator/trace"
	"github.com/headway-dev/headway/scaler/activator/watch"
	"github.com/headway-dev/headway/scaler/park"
	"github.com/headway-dev/headway/scaler/supervise"
)

const (
	// leaveDelay is how long the activator still accepts connections after it
	// has been told to stop: until every node knows that it is not ready.
	leaveDelay = 5 * time.Second
	// longestDrain is the longest timeout that a revision can have.
	longestDrain = time.Hour
	// namespaceFile is there in every pod with a service account.
	namespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
)

// process is one activator.
type process struct {
	Options
	identity string // the name of the pod
	compiler table.Compiler
	tables   atomic.Pointer[table.Table]
	access   *accesslog.Log
	tracer   *trace.Tracer // nil: tracing is off
	server   *Server
	keepers  *keeper.Manager
	waker    *park.Waker // nil: parked pods are never woken here
	starts   *stats.Starts
	serving  chan struct{} // closed when the ports for requests open
	ready    atomic.Bool
}

// Run serves until ctx ends, and then until the requests in flight have ended.
// It accepts requests only when it knows every Route; where a parent holds the
// sockets (package supervise), those that come before wait there.
func Run(ctx context.Context, o Options) error {
	p, err := newProcess(o)
	if err != nil {
		return err
	}
	defer p.keepers.Close()
	defer p.sendTraces()
	waiting, report := p.reporter()
	watcher, err := watch.New(o.Kubernetes, &p.tables, &p.compiler, watch.Hooks{Pools: p.poolHooks(waiting), Compiled: p.keepers.Assign})
	if err != nil {
		return fmt.Errorf("preparing to watch the cluster: %w", err)
	}
	adminListener, err := supervise.Listen(ctx, o.AdminListen)
	if err != nil {
		return err
	}
	admin := &http.Server{Handler: p.adminHandler(), ReadHeaderTimeout: headerTimeout}

	// Watching, reporting and the admin port outlive ctx: they are needed
	// while the requests in flight end.
	g, alive := errgroup.WithContext(context.WithoutCancel(ctx))
	alive, finished := context.WithCancel(alive)
	defer finished()
	g.Go(func() error { return watcher.Run(alive) })
	g.Go(func() error { return p.members(alive) })
	g.Go(func() error { return report(alive) })
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
		return p.serve(ctx, alive)
	})
	return g.Wait()
}

// sendTraces sends the spans that are left.
func (p *process) sendTraces() {
	if err := p.tracer.Close(); err != nil {
		p.Logger.Warn("traces are lost", "error", err)
	}
}

func newProcess(o Options) (*process, error) {
	p := &process{Options: o, access: accesslog.New(o.Logger, o.AccessLog), starts: stats.NewStarts(), serving: make(chan struct{})}
	p.tables.Store(table.Compile(nil, nil))
	var err error
	if o.ParkKey != "" {
		if p.waker, err = park.LoadWaker(o.ParkKey); err != nil {
			return nil, fmt.Errorf("reading --park-key: %w", err)
		}
	}
	if p.identity, err = os.Hostname(); err != nil {
		return nil, fmt.Errorf("finding the name of this pod: %w", err)
	}
	if p.tracer, err = trace.FromEnvironment(p.identity, o.Logger); err != nil {
		return nil, fmt.Errorf("preparing to trace: %w", err)
	}
	p.server = NewServer(&p.tables, p.tracer, p.access, o.Logger)
	_, peerPort, err := net.SplitHostPort(o.PeerListen)
	if err != nil {
		return nil, fmt.Errorf("reading --peer-listen: %w", err)
	}
	_, adminPort, err := net.SplitHostPort(o.AdminListen)
	if err != nil {
		return nil, fmt.Errorf("reading --admin-listen: %w", err)
	}
	p.keepers = &keeper.Manager{
		Self: p.identity, Tables: &p.tables, Ask: keeper.AskHTTP(adminPort), PeerPort: peerPort, Logger: o.Logger,
	}
	return p, nil
}

// members follows the other activators. Outside of a pod there are none.
func (p *process) members(ctx context.Context) error {
	namespace, err := os.ReadFile(namespaceFile)
	if errors.Is(err, os.ErrNotExist) {
		p.compiler.Crew.Store(table.Alone())
		p.keepers.SetMembers(nil)
		return nil
	}
	if err != nil {
		return fmt.Errorf("finding the namespace of this pod: %w", err)
	}
	return watch.Members(ctx, p.Kubernetes, strings.TrimSpace(string(namespace)), func(members []keeper.Member) {
		p.compiler.Crew.Store(table.CrewOf(p.identity, keeper.Serving(members)))
		p.keepers.SetMembers(members)
	})
}

// serve opens the ports for requests and closes them in order.
func (p *process) serve(ctx, alive context.Context) error {
	listener, err := supervise.Listen(ctx, p.Listen)
	if err != nil {
		return err
	}
	peers, err := supervise.Listen(ctx, p.PeerListen)
	if err != nil {
		return err
	}
	failed := make(chan error, 2)
	go func() { failed <- p.server.Serve(listener) }()
	go func() { failed <- p.server.ServePeers(peers) }()
	p.ready.Store(true)
	close(p.serving)
	p.Logger.Info("serving", "address", listener.Addr().String(), "restarts", supervise.Restarts())
	select {
	case err := <-failed:
		p.server.Close()
		return err
	case <-alive.Done():
		p.server.Close()
		return nil // another one failed
	case <-ctx.Done():
	}

	p.ready.Store(false)
	p.server.Leave()
	p.Logger.Info("draining", "inFlight", p.server.running.Len())
	select {
	case <-time.After(leaveDelay):
	case <-alive.Done():
	}
	drain, cancel := context.WithTimeout(alive, longestDrain)
	defer cancel()
	if err := p.server.Drain(drain); err != nil {
		return err
	}
	p.Logger.Info("stopped")
	return errors.Join(<-failed, <-failed)
}
