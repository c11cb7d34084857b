package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/test/localcluster"
)

// parkedRounds are wake-ups of one app, one after the other.
const parkedRounds = 10

// parkedStarts measures the first answer of an app that sleeps with one parked
// pod, and what such a pod costs.
func (b *bench) parkedStarts(ctx context.Context) ([]row, error) {
	const app = "napper"
	revision, err := b.pushWith(ctx, app, "scale: {idle: 1s, standby: 1}\n")
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	var took []float64
	var waiting processMemory
	var woken []float64 // MiB
	for n := range parkedRounds {
		pod, err := b.waitParked(ctx, revision, used)
		if err != nil {
			return nil, err
		}
		if waiting, err = parkedMemory(string(pod.UID)); err != nil {
			return nil, err
		}
		if err := pause(ctx, settle+spread*time.Duration(n)/parkedRounds); err != nil {
			return nil, err
		}
		begin := time.Now()
		if err := askOnce(ctx, localcluster.URL(app, b.namespace)); err != nil {
			return nil, fmt.Errorf("waking %s: %w", app, err)
		}
		took = append(took, milliseconds(time.Since(begin)))
		if wasWoken(ctx, pod) {
			used[string(pod.UID)] = true
			memory, err := weigh(ctx, pod)
			if err != nil {
				return nil, err
			}
			woken = append(woken, memory)
		}
	}
	added, err := b.addedMemory(ctx)
	if err != nil {
		return nil, err
	}
	added.Detail["woken MiB"] = rounded(woken)
	added.Detail["parked process MiB"], added.Detail["of it its own"] = round(waiting.resident), round(waiting.own)
	return []row{
		newRow("coldstart.parked_p50_ms", median(took), map[string]any{"all": rounded(took), "from parked": len(woken)}),
		added,
	}, nil
}

// deployment reads that of a revision.
func (b *bench) deployment(ctx context.Context, revision string) (*appsv1.Deployment, error) {
	var d appsv1.Deployment
	if err := b.Kube.Get(ctx, client.ObjectKey{Namespace: b.namespace, Name: revision}, &d); err != nil {
		return nil, fmt.Errorf("reading the Deployment of %s: %w", revision, err)
	}
	return &d, nil
}

// waitParked waits until a revision has exactly one pod, parked, and not one of
// the used ones.
func (b *bench) waitParked(ctx context.Context, revision string, used map[string]bool) (pod corev1.Pod, err error) {
	err = b.waitPods(ctx, revisionLabel(revision), "one is parked and no other is left", func(pods []corev1.Pod) bool {
		var ok bool
		pod, ok = parked(pods, used)
		return ok
	})
	return pod, err
}

// wasWoken reports whether a pod is parked no longer. If it is, another one has
// answered; that start counts as it was, but the pod may be woken yet.
func wasWoken(ctx context.Context, pod corev1.Pod) bool {
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(v1alpha1.ParkPort)))
	if err != nil {
		return true // nobody listens
	}
	conn.Close()
	return false
}
