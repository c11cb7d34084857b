// Package watch follows Routes, Revisions and their pods in the API server
// and keeps the data path's routing table and pools in step.
//
// It promises that a change of a pod reaches the data path as soon as it is
// known, and that many changes at once are compiled together. It only reads.
// While the API server is away the data path keeps what it knew last.
package watch

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/table"
)

// settle is the pause after a table was compiled, in which further changes
// gather. A change after a quiet time is not delayed.
const settle = 5 * time.Millisecond

// Watcher follows one cluster.
type Watcher struct {
	cache  cache.Cache
	state  *state
	synced chan struct{}

	mu      sync.Mutex
	changes []func(*state)
	wake    chan struct{} // capacity 1
}

// Hooks are called by the Watcher and its revisions. They must not block.
type Hooks struct {
	// Pools are given to all revisions.
	Pools backend.Hooks
	// Compiled is called after a table was published. Revisions with a limit
	// that are new in it make requests wait until they have got a role.
	Compiled func()
}

// New makes a Watcher that publishes what compiler makes to tables.
func New(cfg *rest.Config, tables *atomic.Pointer[table.Table], compiler *table.Compiler, hooks Hooks) (*Watcher, error) {
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering core types: %w", err)
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("registering headway types: %w", err)
	}
	c, err := cache.New(cfg, cache.Options{
		Scheme:           scheme,
		DefaultTransform: strip,
		ByObject: map[client.Object]cache.ByObject{
			&corev1.Pod{}: {Label: v1alpha1.AppPods()},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("making the cache: %w", err)
	}
	return &Watcher{cache: c, state: newState(tables, compiler, hooks), synced: make(chan struct{}), wake: make(chan struct{}, 1)}, nil
}

// Synced is closed once everything that exists has been published.
func (w *Watcher) Synced() <-chan struct{} { return w.synced }

// Run follows the cluster until ctx ends.
func (w *Watcher) Run(ctx context.Context) error {
	defer w.state.close()
	delivered := make(chan struct{})
	follow := func(ctx context.Context) error {
		if err := w.follow(ctx); err != nil {
			return err
		}
		close(delivered)
		return nil
	}
	return running(ctx, "the cluster", w.cache, follow, func(ctx context.Context) error {
		for delivered := delivered; ; {
			select {
			case <-ctx.Done():
				return nil
			case <-delivered:
				delivered = nil
				w.apply()
				close(w.synced)
			case <-w.wake:
				w.apply()
				pause(ctx, settle)
			}
		}
	})
}

// running runs a cache for those that use it, until ctx ends or one of them
// fails. An error says what is watched.
func running(ctx context.Context, what string, c cache.Cache, uses ...func(context.Context) error) error {
	g, alive := errgroup.WithContext(ctx)
	for _, run := range append(uses, c.Start) {
		g.Go(func() error { return run(alive) })
	}
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("watching %s: %w", what, err)
	}
	return nil
}

// follow registers for all three kinds and returns when each has delivered
// everything that exists.
func (w *Watcher) follow(ctx context.Context) error {
	var delivered []toolscache.InformerSynced
	for _, kind := range []struct {
		object  client.Object
		handler toolscache.ResourceEventHandler
	}{
		{&v1alpha1.Route{}, handler(w, (*state).setRoute, (*state).deleteRoute)},
		{&v1alpha1.Revision{}, handler(w, (*state).setRevision, (*state).deleteRevision)},
		{&corev1.Pod{}, handler(w, (*state).setPod, (*state).deletePod)},
	} {
		informer, err := w.cache.GetInformer(ctx, kind.object)
		if err != nil {
			return err
		}
		registration, err := informer.AddEventHandler(kind.handler)
		if err != nil {
			return err
		}
		delivered = append(delivered, registration.HasSynced)
	}
	if !toolscache.WaitForCacheSync(ctx.Done(), delivered...) {
		return context.Cause(ctx)
	}
	return nil
}

// handler turns what an informer says into changes of the state.
func handler[T any](w *Watcher, set, remove func(*state, *T)) toolscache.ResourceEventHandler {
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { enqueue(w, obj, set) },
		UpdateFunc: func(_, obj any) { enqueue(w, obj, set) },
		DeleteFunc: func(obj any) { enqueue(w, obj, remove) },
	}
}

func enqueue[T any](w *Watcher, obj any, change func(*state, *T)) {
	if last, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
		obj = last.Obj
	}
	object, ok := obj.(*T)
	if !ok {
		return
	}
	w.mu.Lock()
	w.changes = append(w.changes, func(s *state) { change(s, object) })
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *Watcher) apply() {
	w.mu.Lock()
	changes := w.changes
	w.changes = nil
	w.mu.Unlock()
	for _, change := range changes {
		change(w.state)
	}
	w.state.publish()
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
