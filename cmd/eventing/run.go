package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/manager"
	"github.com/headway-dev/headway/eventing"
)

// drain is how long requests with events, and reconciliations, may go on after
// the program was asked to stop.
const drain = 10 * time.Second

// run wires the parts and blocks until ctx ends.
func run(ctx context.Context, f flags) (err error) {
	if u, err := url.Parse(f.activator); err != nil || u.Scheme != "http" || u.Host == "" || u.Path != "" {
		return fmt.Errorf("--activator must be a URL such as http://host, not %q", f.activator)
	}
	outside := strings.TrimSuffix(f.outsideURL, "/")
	if u, err := url.Parse(outside); outside != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "") {
		return fmt.Errorf("--outside-url must be a URL such as https://events.example.com, not %q", f.outsideURL)
	}
	options, err := f.options()
	if err != nil {
		return err
	}
	options.OutsideURL = outside
	mgr, err := manager.New(f.Flags, ctrl.Options{
		Cache:                   cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
		GracefulShutdownTimeout: new(2 * drain),
	}, 50, authenticationv1.AddToScheme, corev1.AddToScheme, v1alpha1.AddToScheme)
	if err != nil {
		return err
	}
	e := eventing.New(options)
	defer func() { err = errors.Join(err, e.Close()) }()
	if err := e.Setup(mgr); err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}
