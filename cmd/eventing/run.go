package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/headway-dev/headway/api/address"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/manager"
	"github.com/headway-dev/headway/cmd/program"
	"github.com/headway-dev/headway/eventing"
	"github.com/headway-dev/headway/eventing/delivery"
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
	mgr, err := manager.New(f.Flags, ctrl.Options{
		Cache:                   cache.Options{DefaultTransform: cache.TransformStripManagedFields()},
		GracefulShutdownTimeout: new(2 * drain),
	}, 50, authenticationv1.AddToScheme, corev1.AddToScheme, v1alpha1.AddToScheme)
	if err != nil {
		return err
	}
	e, err := eventing.Open(ctx, eventing.Options{
		Data: f.data, Listen: f.listen, ListenOutside: f.listenOutside, URL: address.Events, OutsideURL: outside,
		Activator: f.activator, Client: delivery.NewClient(),
		Serve: func(ctx context.Context, listener net.Listener, handler http.Handler) error {
			return program.Serve(ctx, listener, handler, drain)
		},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if err := e.Setup(ctx, mgr); err != nil {
		return err
	}
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("running: %w", err)
	}
	return nil
}
