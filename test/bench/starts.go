package main

import (
	"context"
	"net"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// What can be seen of a start from zero.
const (
	eventScaled    = "scaled"    // the Deployment asks for a pod
	eventCreated   = "created"   // the pod exists
	eventScheduled = "scheduled" // it has a node
	eventAddress   = "address"   // it has an address
)

// plainName is the Deployment that is scaled by hand, and its pods' label.
const plainName = "plain"

// starts has the events of Deployments that start from zero, by their name.
type starts struct {
	moments
	addresses map[string]string
}

// watchStarts follows the namespace's Deployments and pods until the context ends.
func watchStarts(ctx context.Context, kube client.WithWatch, namespace string) (*starts, error) {
	s := &starts{moments: newMoments(), addresses: map[string]string{}}
	where := []client.ListOption{client.InNamespace(namespace)}
	return s, follow(ctx, kube, s.note, []followed{{&appsv1.DeploymentList{}, where}, {&corev1.PodList{}, where}})
}

// note records what an object shows.
func (s *starts) note(object runtime.Object, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch o := object.(type) {
	case *appsv1.Deployment:
		if o.Spec.Replicas != nil && *o.Spec.Replicas > 0 {
			s.first(o.Name, eventScaled, now)
		}
	case *corev1.Pod:
		name := deploymentOf(o)
		if o.DeletionTimestamp != nil || name == "" {
			return
		}
		s.first(name, eventCreated, now)
		if o.Spec.NodeName != "" {
			s.first(name, eventScheduled, now)
		}
		if o.Status.PodIP != "" {
			s.addresses[name] = net.JoinHostPort(o.Status.PodIP, httpPort(*o))
			s.first(name, eventAddress, now)
		}
	}
	s.changed()
}

// deploymentOf names the Deployment of an app's or of a plain pod; a revision's
// has its name.
func deploymentOf(pod *corev1.Pod) string {
	if pod.Labels["app"] == plainName {
		return plainName
	}
	if pod.Labels[v1alpha1.LabelStandby] != "" {
		return v1alpha1.StandbyName(pod.Labels[v1alpha1.LabelRevision])
	}
	return pod.Labels[v1alpha1.LabelRevision]
}

// address waits until the pod of a Deployment has one.
func (s *starts) address(ctx context.Context, name string) (string, error) {
	if _, err := s.wait(ctx, name, eventAddress); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addresses[name], nil
}

// parts cuts a start, from the request or the command until the first answer.
func (s *starts) parts(name string, begin, answered time.Time) []part {
	events := s.of(name)
	way := cutter{last: begin}
	for _, event := range []string{eventScaled, eventCreated, eventScheduled, eventAddress} {
		way.untilSeen(event, events, event)
	}
	way.until("answer", answered)
	return way.parts
}
