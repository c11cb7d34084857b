// Package prepull brings the images of revisions onto the nodes before they are
// needed, so that the first request that wakes a revision on a node does not
// wait for a download.
//
// It promises that every node that takes an app's pods gets the image of every
// revision that requests can reach, but not of previews, once, by one short pod
// that mounts the image and runs nothing of it; one such pod on a node at a time,
// and ten in all. Nodes that join later, and a controller that starts again, make
// no difference.
//
// It promises no more than that: a kubelet that is short of disk may throw an
// image away again, and it is not brought back. A pull that fails is tried by the
// kubelet again and again for twenty minutes; then it is told by an event, and
// changes nothing else about its revision. On a cluster without image volumes,
// which Kubernetes has from 1.35 on, nothing is pulled.
//
// Every two seconds it looks at all revisions and nodes: it observes (reads
// caches only), plans (pure: PlanFor) and applies. Where every image is where it
// belongs, nothing is written.
package prepull

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/headway-dev/headway/api/election"
	"github.com/headway-dev/headway/api/v1alpha1"
)

// interval is the time from one look to the next.
const interval = 2 * time.Second

// Puller pulls images.
type Puller struct {
	// Client reads from a cache, and writes.
	Client client.Client
	Events events.EventRecorder
	// ParkImage is the image whose program the pull pods run, to end at once.
	ParkImage string
}

// Setup adds the puller to the manager. index.Register must have been called.
// Without a park image there is nothing to run in a pull pod, and nothing is
// pulled in advance.
func Setup(mgr ctrl.Manager, leader *election.Leader, parkImage string) error {
	if parkImage == "" {
		return nil
	}
	return mgr.Add(leader.Runnable(&Puller{Client: mgr.GetClient(), Events: mgr.GetEventRecorder("headway-prepull"), ParkImage: parkImage}))
}

// Start looks until the context ends. The manager calls it in the controller
// that leads.
func (p *Puller) Start(ctx context.Context) error {
	log := ctrllog.FromContext(ctx)
	_ = wait.PollUntilContextCancel(ctx, interval, true, func(ctx context.Context) (done bool, _ error) {
		err := p.look(ctx, time.Now())
		switch {
		case errors.Is(err, errNoImageVolumes):
			log.Info("the cluster has no image volumes, so no image is pulled in advance")
			return true, nil
		case err != nil:
			log.Error(err, "cannot pull images in advance, trying again")
		}
		return false, nil
	})
	return nil // whatever ended it
}

func (p *Puller) look(ctx context.Context, now time.Time) error {
	seen, err := p.observe(ctx)
	if err != nil {
		return err
	}
	return p.apply(ctx, PlanFor(seen, now))
}

// observe reads what a plan rests on, all of it from caches and without copies.
func (p *Puller) observe(ctx context.Context) (Seen, error) {
	var apps v1alpha1.AppList
	var revisions v1alpha1.RevisionList
	var nodes corev1.NodeList
	var pods corev1.PodList
	for _, list := range []client.ObjectList{&apps, &revisions, &nodes, &pods} {
		if err := p.Client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return Seen{}, fmt.Errorf("listing %T: %w", list, err)
		}
	}
	return Seen{apps.Items, revisions.Items, nodes.Items, pods.Items}, nil
}

// SlimNode keeps, for a cache, what tells whether a node takes app pods and which
// images it has.
func SlimNode(node *corev1.Node) {
	node.Annotations = nil
	node.Status = corev1.NodeStatus{Conditions: node.Status.Conditions, Images: node.Status.Images}
}
