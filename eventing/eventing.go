// Package eventing keeps the events of Channels, takes those of Sources, and
// delivers them to what Subscriptions name: it opens the store, adds the
// reconcilers of the three kinds to a manager, and serves the ingress.
//
// It promises that nothing which was accepted is lost by anything that happens to
// objects: a Channel or a Subscription that is deleted leaves its events and its
// place for v1alpha1.CursorKept, and one whose target is missing waits. It runs
// once: a second process waits until the first has left the data folder.
package eventing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/delivery"
	"github.com/headway-dev/headway/eventing/event"
	"github.com/headway-dev/headway/eventing/ingress"
	"github.com/headway-dev/headway/eventing/query"
	"github.com/headway-dev/headway/eventing/source"
	"github.com/headway-dev/headway/eventing/source/webhook"
	"github.com/headway-dev/headway/eventing/story"
)

// workers is the number of objects of a kind that are reconciled at a time.
const workers = 4

// Options of the program.
type Options struct {
	// Data is the folder for everything that has to outlive the process.
	Data string
	// Listen is the address of the ingress in the cluster.
	Listen string
	// ListenOutside is that of the ingress for senders outside; "": there is none.
	ListenOutside string
	// URL of the ingress in the cluster, without a path.
	URL string
	// OutsideURL is that by which senders outside reach theirs; "": nobody has said.
	OutsideURL string
	// Activator is the URL of the activators' Service, by which events reach apps.
	Activator string
	// Client makes the deliveries: delivery.NewClient, but in tests, whose targets
	// are on the loopback that it keeps from.
	Client *http.Client
	// Serve answers on a listener until the context ends.
	Serve func(context.Context, net.Listener, http.Handler) error
}

// Eventing is the store and what stands on it.
type Eventing struct {
	options  Options
	release  func() error // of the data folder
	store    *channel.Store
	cursors  *cursor.Store
	story    *story.Store // nil: it could not be opened
	missing  []story.Missing
	answers  *query.Handler
	removals *removals
	ingress  *ingress.Handler
	hooks    *webhook.Hooks
}

// Open opens the store; it waits for another process to leave it. Close has to be
// called.
func Open(ctx context.Context, o Options) (*Eventing, error) {
	e := &Eventing{options: o}
	var err error
	if e.release, err = lockFolder(ctx, o.Data); err != nil {
		return nil, err
	}
	if err := e.open(ctx); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func (e *Eventing) open(ctx context.Context) (err error) {
	if e.removals, err = openRemovals(filepath.Join(e.options.Data, "removed.json")); err != nil {
		return err
	}
	e.store, err = channel.Open(ctx, channel.Options{
		Dir: filepath.Join(e.options.Data, "channels"), Log: slog.Default(),
		Kept: func(ctx context.Context, name channel.Name, first uint64, events []event.Event) {
			e.story.Kept(ctx, name, first, events)
		},
	})
	if err != nil {
		return err
	}
	e.openStory()
	e.cursors, err = cursor.Open(filepath.Join(e.options.Data, "cursors.db"), time.Now)
	return err
}

// Close ends what Open has begun. The manager must have stopped.
func (e *Eventing) Close() error {
	var errs []error
	if e.cursors != nil {
		errs = append(errs, e.cursors.Close())
	}
	if e.store != nil {
		errs = append(errs, e.store.Close())
	}
	errs = append(errs, e.story.Close())
	return errors.Join(append(errs, e.release())...)
}

// Setup adds the reconcilers, the ingress, the deliveries and the checks to a
// manager: it is alive while the store takes events, and ready when all
// channels are open.
func (e *Eventing) Setup(ctx context.Context, mgr ctrl.Manager) error {
	recorder := mgr.GetEventRecorder("headway-eventing")
	e.ingress = ingress.New(access.NewGuard(access.APIServer{Client: mgr.GetClient()}, time.Now), slog.Default())
	c := &channels{
		client: mgr.GetClient(), events: recorder, secrets: access.LiveSecrets(mgr.GetAPIReader()),
		store: e.store, doors: &e.ingress.Doors, removals: e.removals, url: e.options.URL, outsideURL: e.options.OutsideURL, now: time.Now,
	}
	if err := c.setup(mgr); err != nil {
		return err
	}
	dispatcher := delivery.New(e.store, e.cursors, e.options.Client, slog.Default())
	dispatcher.Remember(e.story.Attempted)
	e.answers = query.New(query.Sources{
		Story: e.story, Channels: e.store, Standing: dispatcher.Standing, Reviewer: access.APIServer{Client: mgr.GetClient()}, Done: ctx.Done(),
		Subscriptions: func(ctx context.Context, namespace string) ([]v1alpha1.Subscription, error) {
			var l v1alpha1.SubscriptionList
			err := mgr.GetClient().List(ctx, &l, client.InNamespace(namespace))
			return l.Items, err
		},
	})
	s := &subscriptions{
		client: mgr.GetClient(), events: recorder, store: e.store, cursors: e.cursors, dispatcher: dispatcher,
		activator: e.options.Activator, now: time.Now, wired: map[types.NamespacedName]wiring{},
	}
	if err := s.setup(ctx, mgr); err != nil {
		return err
	}
	e.hooks = webhook.New(func(ctx context.Context, name types.NamespacedName) (bool, error) {
		err := mgr.GetClient().Get(ctx, name, &v1alpha1.Source{})
		return err == nil, client.IgnoreNotFound(err)
	})
	e.ingress.Hooks = e.hooks
	api, err := corev1client.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("making a client for the sources: %w", err)
	}
	runner := source.NewRunner(e.kinds(api), e.sink, slog.Default())
	from := &sources{
		client: mgr.GetClient(), secrets: newSecrets(mgr.GetAPIReader()), events: recorder, runner: runner, forget: e.hooks.Forget, url: cmp.Or(e.options.OutsideURL, e.options.URL), now: time.Now,
	}
	if err := from.setup(ctx, mgr); err != nil {
		return err
	}
	for name, run := range map[string]manager.RunnableFunc{
		"ingress":         func(ctx context.Context) error { return e.serve(ctx, e.options.Listen, e.answers.In(e.ingress)) },
		"outside ingress": func(ctx context.Context) error { return e.serve(ctx, e.options.ListenOutside, e.ingress.Outside()) },
		"deliveries":      dispatcher.Run, "sources": runner.Run, "story": e.tellStory,
	} {
		if err := mgr.Add(run); err != nil {
			return fmt.Errorf("adding the %s: %w", name, err)
		}
	}
	if err := mgr.AddHealthzCheck("store", func(*http.Request) error { return e.store.Healthy() }); err != nil {
		return fmt.Errorf("adding the health check: %w", err)
	}
	if err := mgr.AddReadyzCheck("channels", func(*http.Request) error { return e.ingress.IsReady() }); err != nil {
		return fmt.Errorf("adding the readiness check: %w", err)
	}
	return nil
}

// sink is the channel that a source puts its events into.
func (e *Eventing) sink(name types.NamespacedName) (source.Sink, bool) {
	c, ok := e.store.Channel(name)
	return c, ok
}

// serve answers requests with events on an address, if there is one, until ctx ends.
func (e *Eventing) serve(ctx context.Context, address string, handler http.Handler) error {
	if address == "" {
		return nil
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening for events: %w", err)
	}
	return e.options.Serve(ctx, listener, handler)
}
