// Package prepull brings the images of revisions onto the nodes before they are
// needed, so that the first request that wakes a revision on a node does not
// wait for a download.
//
// It promises that every node that takes an app's pods gets the image of every
// revision that requests can reach, once, by one short pod that mounts the image
// and runs nothing of it; at most one such pod is on a node at a time. Nodes
// that join later, and a controller that starts again, make no difference.
//
// It promises no more than that: a kubelet that is short of disk may throw an
// image away again, and it is not brought back. An image that cannot be pulled
// is told by an event and changes nothing else about its revision. A cluster
// without image volumes (before Kubernetes 1.35) is found out by the first pod;
// nothing is pulled there then.
//
// Each reconciliation looks at all revisions and nodes: it observes (reads
// caches only), plans (pure: PlanFor) and applies. Where every image is where it
// belongs, nothing is written.
package prepull

import (
	"context"
	"fmt"
	"time"

	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Reconciler pulls images. It is for one worker: what it remembers is not
// locked.
type Reconciler struct {
	// Client reads Revisions, Apps and app pods from a cache, and writes.
	Client client.Client
	// Pulls reads Nodes and pull pods, from a cache of its own.
	Pulls  client.Reader
	Events events.EventRecorder
	// ParkImage is the image whose program the pull pods run, to end at once.
	ParkImage string

	memory memory
	// disabled: the cluster cannot pull so.
	disabled bool
}

// Reconcile looks at the whole cluster, whatever the request.
func (r *Reconciler) Reconcile(ctx context.Context, _ ctrl.Request) (ctrl.Result, error) {
	if r.disabled {
		return ctrl.Result{}, nil
	}
	now := time.Now()
	seen, err := r.observe(ctx, now)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("observing images and nodes: %w", err)
	}
	plan := PlanFor(seen, now)
	if err := r.apply(ctx, seen, plan, now); err != nil {
		return ctrl.Result{}, fmt.Errorf("pulling images in advance: %w", err)
	}
	return ctrl.Result{RequeueAfter: plan.RequeueAfter}, nil
}
