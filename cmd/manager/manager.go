// Package manager sets up the manager of Headway's controllers: the cache, the
// lease and the endpoints for metrics and health.
package manager

import (
	"errors"
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
)

// New makes a manager with clients for these types, which may send qps requests a
// second to the API server and twice as many at once. It is ready when it holds the
// lease, if there is one: the Service must reach no other replica.
func New(options ctrl.Options, qps float32, types ...func(*runtime.Scheme) error) (ctrl.Manager, error) {
	options.Scheme = runtime.NewScheme()
	for _, add := range types {
		if err := add(options.Scheme); err != nil {
			return nil, fmt.Errorf("registering API types: %w", err)
		}
	}
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's address: %w", err)
	}
	config.QPS, config.Burst = qps, int(2*qps)
	mgr, err := ctrl.NewManager(config, options)
	if err != nil {
		return nil, fmt.Errorf("making the manager: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, fmt.Errorf("adding the health check: %w", err)
	}
	err = mgr.AddReadyzCheck("leading", func(*http.Request) error {
		select {
		case <-mgr.Elected():
			return nil
		default:
			return errors.New("another replica holds the lease")
		}
	})
	if err != nil {
		return nil, fmt.Errorf("adding the readiness check: %w", err)
	}
	return mgr, nil
}
