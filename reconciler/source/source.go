// Package source runs the containers of Sources: for each a Deployment with one
// pod, which sends to the Source's Channel.
//
// All other kinds of Sources are run by the eventing program; of these this
// package only takes away a Deployment that they had as a container. It promises
// never to touch a Deployment that is not the Source's own, and to have no two pods
// of one at a time.
package source

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/diagnose"
	"github.com/headway-dev/headway/reconciler/index"
	"github.com/headway-dev/headway/reconciler/render"
)

// Reconciler reconciles Sources.
type Reconciler struct {
	Client client.Client
	// Live reads past the cache, which has Headway's own Deployments only.
	Live client.Reader
	// Metadata has that of Secrets and ConfigMaps.
	Metadata client.Reader
}

// Reconcile brings one Source up to date.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	var source v1alpha1.Source
	if err := r.Client.Get(ctx, req.NamespacedName, &source); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if source.DeletionTimestamp != nil {
		return ctrl.Result{}, nil // what it owns goes with it
	}
	s, err := r.observe(ctx, &source)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("observing source %s: %w", req, err)
	}
	p := decide(s, time.Now())
	return apply.Outcome(p.again, r.apply(ctx, s, p))
}

// observe reads what a plan rests on.
func (r *Reconciler) observe(ctx context.Context, source *v1alpha1.Source) (seen, error) {
	s := seen{source: source}
	var err error
	name := render.SourceName(source.Name)
	if s.deployment, err = index.Lookup(ctx, r.Client, source.Namespace, name, &appsv1.Deployment{}); err != nil || source.Spec.Container == nil {
		return s, err
	}
	if s.deployment == nil {
		if s.deployment, err = index.Lookup(ctx, r.Live, source.Namespace, name, &appsv1.Deployment{}); err != nil {
			return s, err
		}
	}
	if s.channel, err = index.Lookup(ctx, r.Client, source.Namespace, source.Spec.Channel, &v1alpha1.Channel{}); err != nil {
		return s, err
	}
	var pods corev1.PodList
	if err := r.Client.List(ctx, &pods, client.InNamespace(source.Namespace), client.MatchingFields{index.PodSource: source.Name}); err != nil {
		return s, fmt.Errorf("listing pods: %w", err)
	}
	s.pods = pods.Items
	return s, r.observeReferences(ctx, &s)
}

// observeReferences finds the versions of the Secrets and ConfigMaps that are
// there, each once.
func (r *Reconciler) observeReferences(ctx context.Context, s *seen) error {
	known := map[string]bool{}
	for _, ref := range s.source.Spec.Container.References() {
		if known[ref.Object()] {
			continue
		}
		known[ref.Object()] = true
		object := &metav1.PartialObjectMetadata{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: ref.Kind}}
		object, err := index.Lookup(ctx, r.Metadata, s.source.Namespace, ref.Name, object)
		switch {
		case err != nil:
			return err
		case object == nil:
			s.incomplete = true
		default:
			s.references = append(s.references, v1alpha1.ReferenceVersion{Kind: ref.Kind, Name: ref.Name, Version: object.ResourceVersion})
		}
	}
	return nil
}

// apply carries out a plan: first the pods, then one write of the status.
func (r *Reconciler) apply(ctx context.Context, s seen, p plan) error {
	if p.remove {
		return apply.Delete(ctx, r.Client, s.deployment)
	}
	if p.deployment != nil && !render.UpToDate(s.deployment, p.deployment) {
		if err := apply.Object(ctx, r.Client, apply.Reconcilers, p.deployment); apply.Refused(err) {
			refused := condition.False(v1alpha1.ReasonStartFailed, "Kubernetes refuses it: "+diagnose.OneLine(err.Error()))
			p.state = &refused
		} else if err != nil {
			return err
		}
	}
	if p.state == nil {
		return nil
	}
	before := s.source.DeepCopy()
	s.source.Status.ObservedGeneration = s.source.Generation
	condition.Set(&s.source.Status.Conditions, v1alpha1.ConditionReady, *p.state, s.source.Generation, time.Now())
	if equality.Semantic.DeepEqual(before.Status, s.source.Status) {
		return nil
	}
	return apply.Status(ctx, r.Client, s.source, before)
}
