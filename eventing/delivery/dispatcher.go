package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/channel"
	"github.com/headway-dev/headway/eventing/cursor"
	"github.com/headway-dev/headway/eventing/filter"
	"github.com/headway-dev/headway/eventing/story"
)

// Target is where the events of a subscription to an app or a URL go.
type Target struct {
	URL string
	// Host is the header; "" is that of URL.
	Host string
	// App is who answers; "" is a server that is no app.
	App string
}

// Subscription is what is to be delivered. Channels in Spec are found by their
// names in its namespace when they are needed.
type Subscription struct {
	Name types.NamespacedName
	Spec v1alpha1.SubscriptionSpec
	// Filter is Spec.Filter, compiled; nil lets everything pass.
	Filter *filter.Filter
	// Target is unused if Spec.To is a channel.
	Target Target
}

// Dispatcher delivers the events of all subscriptions. All its methods may be
// called at the same time.
type Dispatcher struct {
	store   *channel.Store
	cursors *cursor.Store
	client  *http.Client
	log     *slog.Logger
	// remember is told of attempts that have ended.
	remember func(story.Attempt)

	flight *semaphore.Weighted // bytes of events under way
	ahead  atomic.Int64        // bytes that were read and not sent
	active sync.WaitGroup      // goroutines of lanes and subscriptions, and attempts

	// ctx ends when nothing new begins, abort when attempts under way end.
	ctx, abort       context.Context
	stop, stopAborts context.CancelFunc

	// spawning guards running: nothing joins active after it has become false.
	spawning sync.Mutex
	running  bool

	mu    sync.Mutex
	subs  map[types.NamespacedName]*subscription // by the name of the place
	lanes map[*channel.Channel]*lane
	gates map[types.NamespacedName]*gate
}

// New makes a Dispatcher, which begins with Run. client is NewClient, but in
// tests.
func New(store *channel.Store, cursors *cursor.Store, client *http.Client, log *slog.Logger) *Dispatcher {
	d := &Dispatcher{
		store: store, cursors: cursors, client: client, log: log, remember: func(story.Attempt) {},
		flight: semaphore.NewWeighted(flightBytesAll),
		subs:   map[types.NamespacedName]*subscription{}, lanes: map[*channel.Channel]*lane{},
		gates: map[types.NamespacedName]*gate{},
	}
	d.ctx, d.stop = context.WithCancel(context.Background())
	d.abort, d.stopAborts = context.WithCancel(context.Background())
	return d
}

// Run delivers until ctx ends. What is under way then has drainTime; places are
// on disk when it returns.
func (d *Dispatcher) Run(ctx context.Context) error {
	d.run(true)
	d.mu.Lock()
	for _, l := range d.lanes {
		d.start(l)
	}
	for _, s := range d.subs {
		s.kick()
	}
	d.mu.Unlock()

	settle, sweep := time.NewTicker(settleEvery), time.NewTicker(sweepEvery)
	defer settle.Stop()
	defer sweep.Stop()
	for {
		select {
		case <-settle.C:
			d.each(d.measure)
		case <-sweep.C:
			d.cursors.Sweep()
			d.forget()
		case <-ctx.Done():
			return d.drain()
		}
	}
}

// drain ends everything.
func (d *Dispatcher) drain() error {
	d.run(false)
	d.stop()
	late := time.AfterFunc(drainTime, d.stopAborts)
	d.active.Wait()
	late.Stop()
	d.stopAborts()
	d.each((*subscription).settle)
	if err := d.cursors.Flush(context.Background()); err != nil {
		return fmt.Errorf("writing the places of subscriptions at the end: %w", err)
	}
	return nil
}

// Set makes a subscription, or changes it in place. One that is new begins where
// Spec.From says, and that is on disk when Set returns. It is an error if its
// channel does not exist.
func (d *Dispatcher) Set(sub Subscription) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := types.NamespacedName{Namespace: sub.Name.Namespace, Name: sub.Spec.Channel}
	ch, ok := d.store.Channel(name)
	if !ok {
		return fmt.Errorf("there is no channel %s", name)
	}
	s := d.subs[sub.Name]
	if s != nil && s.lane.channel != ch {
		d.detach(s)
		s = nil
	}
	place, begun := d.cursors.Place(sub.Name, sub.Spec.Channel)
	if !begun {
		if err := d.begin(place, ch, sub.Spec); err != nil {
			return err
		}
	}
	if s != nil && begun {
		s.update(sub)
		return nil
	}
	if s != nil {
		d.detach(s)
	}
	d.add(sub, ch, place)
	return nil
}

// begin finds where a new subscription begins.
func (d *Dispatcher) begin(place *cursor.Place, ch *channel.Channel, spec v1alpha1.SubscriptionSpec) error {
	ctx, cancel := context.WithTimeout(d.ctx, drainTime)
	defer cancel()
	floor := ch.State().Last
	switch spec.From {
	case "", v1alpha1.FromNow:
	case v1alpha1.FromEarliest:
		floor = max(ch.State().First, 1) - 1
	default:
		at, err := time.Parse(time.RFC3339, spec.From)
		if err != nil {
			return fmt.Errorf("from is no time: %w", err)
		}
		seq, err := ch.SeqAt(ctx, at)
		if err != nil {
			return err
		}
		floor = seq - 1
	}
	place.Begin(ch.Name().Name, floor)
	return d.cursors.Flush(ctx)
}

// add makes a subscription. Called with mu held, as are the next three.
func (d *Dispatcher) add(sub Subscription, ch *channel.Channel, place *cursor.Place) {
	l := d.lanes[ch]
	if l == nil {
		l = newLane(ch, d.log)
		d.lanes[ch] = l
		d.start(l)
	}
	l.use(1)
	place.PullBack(ch.State().Last)
	s := newSubscription(d, l, place, sub, sub.Name, nil)
	d.subs[sub.Name] = s
	s.kick()
}

// start has a lane read.
func (d *Dispatcher) start(l *lane) {
	if l.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancel(d.ctx)
	if d.spawn(func() { l.run(ctx) }) {
		l.cancel = cancel
	} else {
		cancel()
	}
}

// detach ends a subscription whose place is not its own any more.
func (d *Dispatcher) detach(s *subscription) {
	s.detach()
	d.drop(s)
}

func (d *Dispatcher) drop(s *subscription) {
	delete(d.subs, s.name)
	if s.gate.leave(s) == 0 {
		delete(d.gates, s.gate.key)
	}
	if s.run == nil && s.lane.use(-1) == 0 {
		delete(d.lanes, s.lane.channel)
		if s.lane.cancel != nil {
			s.lane.cancel()
		}
	}
}

// Remove ends a subscription and its runs. Attempts under way go on, and its place is kept for
// v1alpha1.CursorKept. Unknown names are fine: a place may be from a run before.
func (d *Dispatcher) Remove(name types.NamespacedName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.subs[name]; s != nil {
		s.remove()
	}
	d.stopRuns(name, "", "")
	d.cursors.Remove(name)
}

// forget lets go of removed subscriptions that have nothing under way.
func (d *Dispatcher) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.subs {
		if s.removedAndIdle() {
			d.drop(s)
		}
	}
}

// each calls f with every subscription.
func (d *Dispatcher) each(f func(*subscription)) {
	d.mu.Lock()
	subs := make([]*subscription, 0, len(d.subs))
	for _, s := range d.subs {
		subs = append(subs, s)
	}
	d.mu.Unlock()
	for _, s := range subs {
		f(s)
	}
}

// run says whether something new may begin.
func (d *Dispatcher) run(yes bool) {
	d.spawning.Lock()
	defer d.spawning.Unlock()
	d.running = yes
}

// spawn runs f in a goroutine for which the end waits. Before Run, and at the
// end, it does nothing and returns false.
func (d *Dispatcher) spawn(f func()) bool {
	d.spawning.Lock()
	defer d.spawning.Unlock()
	if d.running {
		d.active.Go(f)
	}
	return d.running
}
