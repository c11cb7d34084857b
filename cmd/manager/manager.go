// Package manager sets up the manager of Headway's controllers: the cache and the
// endpoints for metrics and health, and the flags that they share.
package manager

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/headway-dev/headway/api/election"
	"github.com/headway-dev/headway/cmd/cluster"
	"github.com/headway-dev/headway/cmd/logging"
)

// Flags are the settings of these programs.
type Flags struct {
	// Activators is the service account whose holders may report, namespace/name.
	Activators string
	// LeaderElect: one of several replicas is active.
	LeaderElect bool

	metrics, health string
	logLevel        slog.Level
}

// Register adds the flags that all of them have; metrics and health are the default
// addresses of these endpoints.
func (f *Flags) Register(set *flag.FlagSet, metrics, health string) {
	set.StringVar(&f.metrics, "metrics-listen", metrics, "address of /metrics")
	set.StringVar(&f.health, "health-listen", health, "address of /healthz and /readyz")
	set.TextVar(&f.logLevel, "log-level", slog.LevelInfo, "least level to log: debug, info, warn or error")
}

// RegisterReported adds the flag of those that take the activators' reports.
func (f *Flags) RegisterReported(set *flag.FlagSet) {
	set.StringVar(&f.Activators, "activators", "headway-system/headway-activator", "service account whose holders may report, as namespace/name")
}

// RegisterLeader adds the flag of those of whose replicas one is active.
func (f *Flags) RegisterLeader(set *flag.FlagSet) {
	set.BoolVar(&f.LeaderElect, "leader-elect", false, "hold a lease in the program's own namespace, so that one of several replicas is active")
}

// Lease is the one that a program of this name holds; nil where nobody else can
// act. Address is that of this replica for the others.
func (f *Flags) Lease(name, address string) *election.Lease {
	if !f.LeaderElect {
		return nil
	}
	return &election.Lease{Name: name, Address: address}
}

// New sets up logging and makes a manager with clients for these types, which may
// send qps requests a second to the API server and twice as many at once. It is
// ready when its cache is filled: a replica that stands by is as ready as one that
// leads.
func New(f Flags, options ctrl.Options, qps float32, types ...func(*runtime.Scheme) error) (ctrl.Manager, error) {
	logging.Setup(f.logLevel)
	options.Metrics, options.HealthProbeBindAddress = server.Options{BindAddress: f.metrics}, f.health
	options.Scheme = runtime.NewScheme()
	for _, add := range types {
		if err := add(options.Scheme); err != nil {
			return nil, fmt.Errorf("registering API types: %w", err)
		}
	}
	config, err := cluster.Config()
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = qps, int(2*qps)
	mgr, err := ctrl.NewManager(config, options)
	if err != nil {
		return nil, fmt.Errorf("making the manager: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, fmt.Errorf("adding the health check: %w", err)
	}
	err = mgr.AddReadyzCheck("started", func(*http.Request) error {
		select {
		case <-mgr.Elected(): // closed when the caches are filled, as the manager itself elects nobody
			return nil
		default:
			return errors.New("the cache is not filled yet")
		}
	})
	if err != nil {
		return nil, fmt.Errorf("adding the readiness check: %w", err)
	}
	return mgr, nil
}
