package prepull

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
)

var pullsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "headway_controller_prepulls_total",
	Help: "Pulls of an image onto a node in advance, by result: pulled, given_up.",
}, []string{"result"})

func init() { metrics.Registry.MustRegister(pullsTotal) }

// apply carries out a plan. One pull that cannot be dealt with holds up no
// other.
func (p *Puller) apply(ctx context.Context, seen Seen, plan Plan) error {
	var problems []error
	for _, pull := range plan.Done {
		problems = append(problems, p.finish(ctx, seen, pull))
	}
	for _, pull := range plan.Failed {
		err := p.remove(ctx, pull)
		at := slices.IndexFunc(seen.Known, func(node Node) bool { return node.ID == pull.Node })
		if err == nil && pull.Target != nil && at >= 0 { // else it is found again, and told then
			p.giveUp(Start{*pull.Target, seen.Known[at]}, pull.Reason)
		}
		problems = append(problems, err)
	}
	for _, start := range plan.Start {
		problems = append(problems, p.start(ctx, start))
	}
	return errors.Join(problems...)
}

// finish records on the Revision where its image is, before the pod that tells
// it too goes.
func (p *Puller) finish(ctx context.Context, seen Seen, pull Pull) error {
	if target := pull.Target; target != nil {
		p.on[attempt{target.Digest, pull.Node}] = true
		var on []nodeID
		for _, node := range seen.Known {
			if p.on[attempt{target.Digest, node.ID}] {
				on = append(on, node.ID)
			}
		}
		rev := target.Revision.DeepCopy()
		before := rev.DeepCopy()
		metav1.SetMetaDataAnnotation(&rev.ObjectMeta, annotationPulledOn, strings.Join(on, " "))
		err := p.Client.Patch(ctx, rev, client.MergeFrom(before), apply.Reconcilers)
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("recording where the image of revision %s is: %w", rev.Name, err)
		}
		pullsTotal.WithLabelValues("pulled").Inc()
	}
	return p.remove(ctx, pull)
}

// giveUp says once that a node does not get an image in advance.
func (p *Puller) giveUp(start Start, reason string) {
	p.on[attempt{start.Target.Digest, start.Node.ID}] = true
	pullsTotal.WithLabelValues("given_up").Inc()
	p.Events.Eventf(start.Target.Revision, nil, corev1.EventTypeWarning, "PrePullFailed", "PrePull", "%s", condition.Note(
		"the image could not be pulled onto node "+start.Node.Name+" in advance, so the first pod there will have to: "+reason))
}

func (p *Puller) remove(ctx context.Context, pull Pull) error {
	if err := apply.Delete(ctx, p.Client, pull.Pod); !apierrors.IsConflict(err) {
		return err
	}
	return nil // another has its name
}

// start makes a pull pod, unless the API server refuses it, such as by a quota.
func (p *Puller) start(ctx context.Context, start Start) error {
	err := p.Client.Create(ctx, podFor(start, p.ParkImage), apply.Reconcilers)
	switch {
	case err == nil, apierrors.IsAlreadyExists(err), apply.Behind(err) > 0: // the cache comes to it; or the namespace goes
		return nil
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		p.giveUp(start, err.Error())
		return nil
	}
	return fmt.Errorf("creating a pull pod for revision %s: %w", start.Target.Revision.Name, err)
}
