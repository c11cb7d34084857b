package prepull

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
)

// apply carries out a plan. One pull that cannot be dealt with holds up no
// other.
func (r *Reconciler) apply(ctx context.Context, seen Seen, plan Plan, now time.Time) error {
	targets := make(map[types.NamespacedName]Target, len(seen.Targets))
	for _, t := range seen.Targets {
		targets[client.ObjectKeyFromObject(t.Revision)] = t
	}
	targetOf := func(pull Pull) Target {
		return targets[types.NamespacedName{Namespace: pull.Pod.Namespace, Name: pull.Revision}]
	}
	var failures []error
	for _, pull := range plan.Done {
		failures = append(failures, r.finish(ctx, targetOf(pull), pull))
	}
	for _, pull := range plan.Failed {
		if err := r.remove(ctx, pull); err != nil { // it is found again, and counts then
			failures = append(failures, err)
			continue
		}
		target := targetOf(pull)
		r.fail(target, attempt{target.Digest, pull.Node}, nodeName(seen.Nodes, pull.Node), pull.Reason, now)
	}
	for _, pull := range plan.Stale {
		failures = append(failures, r.remove(ctx, pull))
	}
	for _, start := range plan.Start {
		failures = append(failures, r.start(ctx, start, now))
	}
	return errors.Join(failures...)
}

// finish records on the Revision where its image is, before the pod that tells
// it too goes.
func (r *Reconciler) finish(ctx context.Context, target Target, pull Pull) error {
	r.memory.note(target.Digest, pull.Node)
	rev := target.Revision.DeepCopy()
	before := rev.DeepCopy()
	metav1.SetMetaDataAnnotation(&rev.ObjectMeta, annotationPulledOn, strings.Join(r.memory.on[target.Digest], " "))
	err := r.Client.Patch(ctx, rev, client.MergeFrom(before), apply.Reconcilers)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("recording where the image of revision %s is: %w", rev.Name, err)
	}
	pullsTotal.WithLabelValues("pulled").Inc()
	return r.remove(ctx, pull)
}

// fail counts a failure, and tells the last one.
func (r *Reconciler) fail(target Target, at attempt, node, reason string, now time.Time) {
	pullsTotal.WithLabelValues("failed").Inc()
	if r.memory.fail(at, now) < maxTries {
		return
	}
	pullsTotal.WithLabelValues("given_up").Inc()
	r.Events.Eventf(target.Revision, nil, corev1.EventTypeWarning, "PrePullFailed", "PrePull", "%s", condition.Note(fmt.Sprintf(
		"the image could not be pulled onto node %s in advance, so the first pod there will have to; the last of %d tries: %s", node, maxTries, reason)))
}

// nodeName is the name of a node as people know it.
func nodeName(nodes []Node, id nodeID) string {
	for _, node := range nodes {
		if node.ID == id {
			return node.Name
		}
	}
	return id
}

func (r *Reconciler) remove(ctx context.Context, pull Pull) error {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: pull.Pod.Namespace, Name: pull.Pod.Name}}
	if err := r.Client.Delete(ctx, pod, client.Preconditions{UID: &pull.UID}); client.IgnoreNotFound(err) != nil && !apierrors.IsConflict(err) {
		return fmt.Errorf("deleting pull pod %s: %w", pod.Name, err)
	}
	r.memory.handle(pull.UID)
	return nil
}

// start makes a pull pod. One that the API server refuses, such as by a quota,
// is a failed try.
func (r *Reconciler) start(ctx context.Context, start Start, now time.Time) error {
	if r.disabled { // by the answer to the one before
		return nil
	}
	pod := podFor(start, r.ParkImage)
	err := r.Client.Create(ctx, pod, apply.Reconcilers)
	switch {
	case err == nil && pod.Spec.Volumes[0].Image == nil, noImageVolumes(err):
		return r.disable(ctx, pod)
	case err == nil:
		pull := pullOf(pod)
		pull.Created = now
		r.memory.start(pull)
		return nil
	case apierrors.IsAlreadyExists(err), apply.Behind(err) > 0: // its event comes; or the namespace goes
		return nil
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		r.fail(start.Target, attempt{start.Target.Digest, start.Node.ID}, start.Node.Name, err.Error(), now)
		return nil
	}
	return fmt.Errorf("creating pull pod %s: %w", pod.Name, err)
}

// noImageVolumes reports whether the API server, which knows no image volumes
// before Kubernetes 1.31 and drops them until they are enabled, took that of a
// pod for a volume of no kind.
func noImageVolumes(err error) bool {
	var status apierrors.APIStatus
	if !apierrors.IsInvalid(err) || !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	return slices.ContainsFunc(status.Status().Details.Causes, func(c metav1.StatusCause) bool {
		return strings.HasPrefix(c.Field, "spec.volumes[") && strings.HasSuffix(c.Field, "]")
	})
}

// disable ends all pulling until the program starts again, and takes away the
// pod that was made without its image, if it was.
func (r *Reconciler) disable(ctx context.Context, pod *corev1.Pod) error {
	r.disabled = true
	ctrllog.FromContext(ctx).Info("the cluster has no image volumes, so no image is pulled in advance")
	if pod.UID == "" {
		return nil
	}
	return r.remove(ctx, pullOf(pod))
}
