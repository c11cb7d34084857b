package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	toolswatch "k8s.io/client-go/tools/watch"

	"github.com/headway-dev/headway/eventing/source/intake"
)

// follow sends what changes after the position until ctx ends, or something goes
// wrong that watching again does not mend: isGone tells that there is a gap.
func (r *run) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changes, err := toolswatch.NewRetryWatcherWithContext(ctx, r.position, &watcher{run: r})
	if err != nil {
		return fmt.Errorf("watching events from resource version %q: %w", r.position, err)
	}
	// The one who watches is at its end before another may begin.
	defer func() { changes.Stop(); <-changes.Done() }()
	for change := range changes.ResultChan() {
		if change.Type == watch.Error {
			return fmt.Errorf("watching events: %w", apierrors.FromObject(change.Object))
		}
		object, ok := change.Object.(*corev1.Event)
		if !ok {
			return fmt.Errorf("watching events: got a %T", change.Object)
		}
		if change.Type != watch.Deleted { // an hour after it was made, with nothing new in it
			if err := r.send(ctx, object); err != nil {
				return err
			}
		}
		r.moveTo(object.ResourceVersion)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.New("watching events: the watch has ended")
}

// watcher opens the watches of a RetryWatcher, which tells nobody that one
// cannot be opened, and goes on asking for a resource version that is gone if it
// hears so at once.
type watcher struct{ run *run }

// WatchWithContext opens one watch. A RetryWatcher tries again a second after
// io.EOF, which is the only error that it does not log each time.
func (w *watcher) WatchWithContext(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	opened, err := w.open(ctx, options)
	switch {
	case isGone(err):
		return endedBy(err), nil
	case apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err): // ends it
		return nil, err
	case err != nil:
		if ctx.Err() == nil {
			w.run.health.Set(intake.Reading, fmt.Errorf("watching events: %w", err))
		}
		return nil, io.EOF
	}
	w.run.health.Set(intake.Reading, nil)
	return opened, nil
}

// open refuses a resource version that the API server has yet to come to: a
// cluster that was set back to an older state would be silent until then.
func (w *watcher) open(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	now, err := w.run.newest(ctx)
	if err != nil {
		return nil, err
	}
	if isBefore(now, options.ResourceVersion) {
		return nil, apierrors.NewResourceExpired(fmt.Sprintf("the API server is at %s, before %s", now, options.ResourceVersion))
	}
	return w.run.client.Watch(ctx, options)
}

// endedBy is a watch that has nothing but an error.
func endedBy(err error) watch.Interface {
	status := apierrors.NewResourceExpired(err.Error()).Status()
	w := watch.NewFakeWithChanSize(1, false)
	w.Error(&status)
	return w
}
