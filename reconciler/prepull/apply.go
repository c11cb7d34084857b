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

// annotationPulledOn on a Revision names the nodes where a pull of its image has
// ended, well or not: the first 8 characters of their UIDs. Nothing is pulled
// there once more.
const annotationPulledOn = "headway.dev/pulled-on"

// maxRecorded is the number of nodes that are recorded, which is the most that
// Kubernetes has; those of long ago are gone.
const maxRecorded = 5000

// errNoImageVolumes: the API server has dropped what it does not know of a pod.
var errNoImageVolumes = errors.New("the cluster has no image volumes")

var pullsTotal = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "headway_controller_prepulls_total",
	Help: "Pulls of an image onto a node in advance, by result: pulled, given_up.",
}, []string{"result"})

func init() { metrics.Registry.MustRegister(pullsTotal) }

// apply carries out a plan. One pull that cannot be dealt with holds up no
// other.
func (p *Puller) apply(ctx context.Context, plan Plan) error {
	var problems []error
	for _, pull := range plan.End {
		problems = append(problems, p.end(ctx, pull))
	}
	for _, pull := range plan.Start {
		problems = append(problems, p.start(ctx, pull))
	}
	return errors.Join(problems...)
}

// start makes a pull pod, unless the API server refuses it, such as by a quota.
func (p *Puller) start(ctx context.Context, pull Pull) error {
	pod := podFor(pull, p.ParkImage)
	err := p.Client.Create(ctx, pod, apply.Reconcilers)
	switch {
	case err == nil && !slices.ContainsFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Image != nil }):
		return errors.Join(errNoImageVolumes, apply.Delete(ctx, p.Client, pod))
	case err == nil, apierrors.IsAlreadyExists(err), apply.Behind(err) > 0: // the cache comes to it; or the namespace goes
		return nil
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		pull.Reason = err.Error()
		return p.record(ctx, pull)
	}
	return fmt.Errorf("creating a pull pod for revision %s: %w", pull.Revision.Name, err)
}

// end records how a pull ended, before the pod that tells it too goes.
func (p *Puller) end(ctx context.Context, pull Pull) error {
	if pull.Revision != nil && pull.Node != nil {
		if err := p.record(ctx, pull); err != nil {
			return err
		}
	}
	if err := apply.Delete(ctx, p.Client, pull.Pod); !apierrors.IsConflict(err) {
		return err
	}
	return nil // another has its name
}

// record notes on the Revision, once, that a pull has ended, and says so if it
// failed. What a later one of this look records adds to it; that the cache was
// behind is found out by the version.
func (p *Puller) record(ctx context.Context, pull Pull) error {
	rev, on := pull.Revision.DeepCopy(), strings.Fields(pull.Revision.Annotations[annotationPulledOn])
	if slices.Contains(on, idOf(pull.Node)) {
		return nil
	}
	on = append(on[max(0, len(on)+1-maxRecorded):], idOf(pull.Node))
	metav1.SetMetaDataAnnotation(&rev.ObjectMeta, annotationPulledOn, strings.Join(on, " "))
	patch := client.MergeFromWithOptions(pull.Revision, client.MergeFromWithOptimisticLock{})
	if err := p.Client.Patch(ctx, rev, patch, apply.Reconcilers); err != nil {
		return client.IgnoreNotFound(fmt.Errorf("recording where the image of revision %s is: %w", rev.Name, err))
	}
	*pull.Revision = *rev
	if pull.Reason == "" {
		pullsTotal.WithLabelValues("pulled").Inc()
		return nil
	}
	pullsTotal.WithLabelValues("given_up").Inc()
	p.Events.Eventf(rev, nil, corev1.EventTypeWarning, "PrePullFailed", "PrePull", "%s", condition.Note(
		"the image could not be pulled onto node "+pull.Node.Name+" in advance, so the first pod there will have to: "+pull.Reason))
	return nil
}
