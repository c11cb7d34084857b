package main

import (
	"context"
	"net"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

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

func (m *moments) noteDeployment(o *appsv1.Deployment, now time.Time) {
	if o.Spec.Replicas != nil && *o.Spec.Replicas > 0 {
		m.first(o.Name, eventScaled, now)
	}
}

func (m *moments) notePod(o *corev1.Pod, now time.Time) {
	name := deploymentOf(o)
	if o.DeletionTimestamp != nil || name == "" {
		return
	}
	m.first(name, eventCreated, now)
	if o.Spec.NodeName != "" {
		m.first(name, eventScheduled, now)
	}
	if o.Status.PodIP != "" {
		m.addresses[name] = net.JoinHostPort(o.Status.PodIP, httpPort(*o))
		m.first(name, eventAddress, now)
	}
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
func (m *moments) address(ctx context.Context, name string) (string, error) {
	if _, err := m.wait(ctx, name, eventAddress); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.addresses[name], nil
}

// startParts cuts a start, from the request or the command until the first answer.
func (m *moments) startParts(name string, begin, answered time.Time) []part {
	events := m.of(name)
	cut := cutter{last: begin}
	for _, event := range []string{eventScaled, eventCreated, eventScheduled, eventAddress} {
		cut.untilSeen(event, events, event)
	}
	cut.until("answer", answered)
	return cut.parts
}
