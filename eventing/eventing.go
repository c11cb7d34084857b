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
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/certificate"
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
	// ListenOutsideTLS is that of the same over TLS, with the certificate in the
	// folder Certificate; "": there is none.
	ListenOutsideTLS, Certificate string
	// URL of the ingress in the cluster, without a path.
	URL string
	// OutsideURL is that by which senders outside reach theirs; "": nobody has said.
	OutsideURL string
	// Activator is the URL of the activators' Service, by which events reach apps.
	Activator string
	// Client makes the deliveries: delivery.NewClient, but in tests, whose targets
	// are on the loopback that it keeps from.
	Client *http.Client
	// Cluster has this process be one of several replicas; NATS has another server
	// keep everything. Neither: it is all in Data.
	Cluster *channel.Cluster
	NATS    *channel.NATS
	// Self and SelfOutside are the URLs by which other replicas reach the two
	// addresses of this one.
	Self, SelfOutside string
	// Serve answers on a listener until the context ends.
	Serve func(context.Context, net.Listener, http.Handler) error
}

// Eventing is the store and what stands on it.
type Eventing struct {
	options         Options
	release         func() error // of the data folder
	inside, outside *gate
	clients         *clients    // who sends from outside
	started         atomic.Bool // server is set
	opened          atomic.Bool // everything is
	server          *channel.Server
	election        *election // nil: no other process shares the store
	store           *channel.Store
	cursors         *cursor.Store
	story           *story.Store // nil: it could not be opened
	missing         []story.Missing
	answers         *query.Handler
	removals        *removals
	ingress         *ingress.Handler
	hooks           *webhook.Hooks
}

// New returns what Setup adds to a manager. Close has to be called.
func New(o Options) *Eventing {
	c := &clients{now: time.Now}
	if o.Cluster != nil {
		c.key = o.Cluster.Password
	}
	return &Eventing{options: o, inside: newGate(c.vouch), outside: newGate(c.vouch), clients: c}
}

func (e *Eventing) open(ctx context.Context) (err error) {
	if e.release, err = lockFolder(ctx, e.options.Data); err != nil {
		return err
	}
	kind := e.options.storage()
	if err := kind.settle(e.options.Data); err != nil {
		return err
	}
	e.server, err = channel.Start(ctx, channel.Options{
		Dir: kind.folder(e.options.Data), Log: slog.Default(), Cluster: e.options.Cluster, NATS: e.options.NATS,
		Kept: func(ctx context.Context, name channel.Name, first uint64, events []event.Event) {
			e.story.Kept(ctx, name, first, events)
		},
	})
	if err != nil {
		return err
	}
	e.started.Store(true)
	if err := e.openCursors(ctx); err != nil {
		return err
	}
	if err := e.openChannels(ctx); err != nil {
		return err
	}
	e.openStory()
	return nil
}

// Close ends what Run has begun. The manager must have stopped.
func (e *Eventing) Close() error {
	var errs []error
	if e.cursors != nil {
		errs = append(errs, e.cursors.Close())
	}
	if e.store != nil {
		errs = append(errs, e.store.Close())
	}
	errs = append(errs, e.story.Close())
	if e.election != nil {
		e.election.resign()
	}
	if e.server != nil {
		errs = append(errs, e.server.Close())
	}
	if e.release != nil {
		errs = append(errs, e.release())
	}
	return errors.Join(errs...)
}

// Setup adds everything to a manager: it is alive while the store takes events, and
// ready when all channels are open, or, where another process leads, when it has
// what that one has, and passes requests on to it.
func (e *Eventing) Setup(mgr ctrl.Manager) error {
	if err := mgr.AddHealthzCheck("store", func(*http.Request) error { return e.healthy() }); err != nil {
		return fmt.Errorf("adding the health check: %w", err)
	}
	if err := mgr.AddReadyzCheck("channels", func(*http.Request) error { return e.ready() }); err != nil {
		return fmt.Errorf("adding the readiness check: %w", err)
	}
	run := func(ctx context.Context) error { return e.run(ctx, mgr) }
	for name, run := range map[string]manager.RunnableFunc{
		"ingress": func(ctx context.Context) error { return e.serve(ctx, e.options.Listen, e.inside) },
		"outside ingress": func(ctx context.Context) error {
			return e.serve(ctx, e.options.ListenOutside, e.clients.identify(e.outside))
		},
		"outside ingress over TLS": e.serveTLS,
		"store":                    run,
	} {
		if err := mgr.Add(run); err != nil {
			return fmt.Errorf("adding the %s: %w", name, err)
		}
	}
	return nil
}

// run opens the store, which waits for another process to leave it, or to lead no
// more, and then has the manager run what stands on it.
func (e *Eventing) run(ctx context.Context, mgr ctrl.Manager) error {
	if err := e.open(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if err := e.wire(ctx, mgr); err != nil {
		return err
	}
	e.opened.Store(true)
	if e.election == nil {
		<-ctx.Done()
		return nil
	}
	return e.election.hold(ctx, e.cursors)
}

// healthy returns what only a restart mends.
func (e *Eventing) healthy() error {
	if !e.opened.Load() {
		return nil
	}
	return e.store.Healthy()
}

// ready returns why requests should go to another process.
func (e *Eventing) ready() error {
	if !e.started.Load() {
		return errors.New("the store is being opened")
	}
	if err := e.server.Ready(); err != nil {
		return err
	}
	if e.opened.Load() {
		return e.ingress.IsReady()
	}
	return e.inside.ready()
}

// wire has the manager run what stands on the store.
func (e *Eventing) wire(ctx context.Context, mgr ctrl.Manager) error {
	recorder := mgr.GetEventRecorder("headway-eventing")
	guard := access.NewGuard(access.APIServer{Client: mgr.GetClient()}, time.Now)
	e.ingress = ingress.New(guard, slog.Default())
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
		Story: e.story, Channels: e.store, Standing: dispatcher.Standing, Accounts: guard, Done: ctx.Done(),
		Subscriptions: func(ctx context.Context, namespace string) ([]v1alpha1.Subscription, error) {
			var l v1alpha1.SubscriptionList
			err := mgr.GetClient().List(ctx, &l, client.InNamespace(namespace))
			return l.Items, err
		},
	})
	s := &subscriptions{
		client: mgr.GetClient(), live: mgr.GetAPIReader(), events: recorder, store: e.store, cursors: e.cursors, dispatcher: dispatcher,
		activator: e.options.Activator, find: e.find, now: time.Now, wired: map[types.NamespacedName]wiring{}, counted: map[types.NamespacedName]time.Time{},
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
	for name, run := range map[string]manager.RunnableFunc{"deliveries": dispatcher.Run, "sources": runner.Run, "story": e.tellStory} {
		if err := mgr.Add(run); err != nil {
			return fmt.Errorf("adding the %s: %w", name, err)
		}
	}
	e.inside.lead(e.answers.In(e.ingress))
	e.outside.lead(e.ingress.Outside())
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

// serveTLS answers senders outside over TLS, if that is asked for, until ctx ends.
func (e *Eventing) serveTLS(ctx context.Context) error {
	if e.options.ListenOutsideTLS == "" {
		return nil
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", e.options.ListenOutsideTLS)
	if err != nil {
		return fmt.Errorf("listening for events over TLS: %w", err)
	}
	folder := certificate.New(e.options.Certificate, slog.Default())
	go folder.Watch(ctx)
	return e.options.Serve(ctx, tls.NewListener(listener, folder.Config()), e.clients.identify(e.outside))
}
