package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// wakeRounds of events that find their app asleep.
const wakeRounds = 5

// eventsWake measures from when an event is sent until an app has it that sleeps
// with a parked pod.
func (b *bench) eventsWake(ctx context.Context) ([]row, error) {
	m, err := b.newMail(ctx, "dozer", "{idle: 1s, standby: 1, max: 1}")
	if err != nil {
		return nil, err
	}
	var app v1alpha1.App
	if err := b.Kube.Get(ctx, client.ObjectKey{Namespace: b.namespace, Name: m.name}, &app); err != nil {
		return nil, fmt.Errorf("reading app %s: %w", m.name, err)
	}
	used := map[string]bool{}
	var took []float64
	woken := 0
	for n := range wakeRounds {
		pod, err := b.waitParked(ctx, app.Status.Live, used)
		if err != nil {
			return nil, err
		}
		if err := pause(ctx, settle+spread*time.Duration(n)/wakeRounds); err != nil {
			return nil, err
		}
		if err := m.send(ctx, fmt.Sprintf("wake-%d", n)); err != nil {
			return nil, err
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil { // asking the app must not be what wakes it
			return nil, err
		}
		seen, err := m.seen(ctx)
		if err != nil {
			return nil, err
		}
		if len(seen.Took) != 1 {
			return nil, fmt.Errorf("half a second after the event the app has seen %d", len(seen.Took))
		}
		fmt.Fprintf(os.Stderr, "  woken in %.1f ms\n", seen.Took[0])
		took = append(took, seen.Took[0])
		if wasWoken(ctx, pod) {
			used[string(pod.UID)] = true
			woken++
		}
	}
	return []row{newRow("events.wake_parked_ms", median(took), map[string]any{"all": rounded(took), "from parked": woken})}, nil
}
