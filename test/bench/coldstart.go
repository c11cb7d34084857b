package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/test/localcluster"
)

// startRounds of a wake-up and of a plain start take turns.
const startRounds = 5

// coldStarts compares the first answer of a sleeping app, asked through the
// activator, with that of a plain Deployment of the same image that is scaled
// from 0 to 1 and asked at its pod's address.
func (b *bench) coldStarts(ctx context.Context) ([]row, error) {
	const app = "sleeper"
	revision, err := b.sleeper(ctx, app)
	if err != nil {
		return nil, err
	}
	var headway appsv1.Deployment
	if err := b.Kube.Get(ctx, client.ObjectKey{Namespace: b.namespace, Name: revision}, &headway); err != nil {
		return nil, fmt.Errorf("reading the sleeping app: %w", err)
	}
	if pod := headway.Spec.Template.Spec; len(pod.Containers)+len(pod.InitContainers) != 1 {
		return nil, fmt.Errorf("a pod of %s has more than the app's container, whose memory has to be measured now", revision)
	}
	plain := plainDeployment(&headway)
	if err := b.Kube.Create(ctx, plain); err != nil {
		return nil, fmt.Errorf("creating the plain Deployment: %w", err)
	}
	var woken, started []float64
	for range startRounds {
		took, err := b.wake(ctx, app, revision)
		if err != nil {
			return nil, err
		}
		woken = append(woken, milliseconds(took))
		if took, err = b.startPlain(ctx, plain); err != nil {
			return nil, err
		}
		started = append(started, milliseconds(took))
	}
	return []row{
		newRow("coldstart.zero_ratio", median(woken)/median(started), map[string]any{
			"woken ms": rounded(woken), "plain ms": rounded(started),
		}),
		newRow("pod.added_mib", 0, map[string]any{"containers": 1}),
	}, nil
}

// sleeper pushes an app that sleeps after a second, and waits until it does.
func (b *bench) sleeper(ctx context.Context, app string) (revision string, err error) {
	tree, err := b.clone(ctx, "hello", app)
	if err != nil {
		return "", err
	}
	// The port answers when the process has started, as in the plain start.
	if err := tree.Write("headway.yaml", "name: "+app+"\nscale: {idle: 1s}\n"); err != nil {
		return "", err
	}
	return b.pushNew(ctx, tree, app, greeting)
}

// wake waits until no pod is left of a revision and asks it once.
func (b *bench) wake(ctx context.Context, app, revision string) (time.Duration, error) {
	if err := b.waitNoPods(ctx, revisionLabel(revision)); err != nil {
		return 0, err
	}
	web := localcluster.Browser()
	defer web.CloseIdleConnections()
	begin := time.Now()
	got, err := localcluster.Fetch(ctx, web, localcluster.URL(app, b.namespace))
	if err == nil && got.Status != 200 {
		err = fmt.Errorf("status %d: %s", got.Status, got.Body)
	}
	if err != nil {
		return 0, fmt.Errorf("waking %s: %w", app, err)
	}
	return time.Since(begin), nil
}

// plainLabel marks the pods of the plain Deployment.
var plainLabel = client.MatchingLabels{"app": "plain"}

// plainDeployment runs what Headway runs, with nothing of Headway around it.
func plainDeployment(headway *appsv1.Deployment) *appsv1.Deployment {
	var none int32
	pod := headway.Spec.Template.DeepCopy()
	pod.Labels, pod.Annotations = plainLabel, nil
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: headway.Namespace, Name: "plain"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &none, Selector: &metav1.LabelSelector{MatchLabels: plainLabel}, Template: *pod,
		},
	}
}

// startPlain scales from 0 to 1 and asks the pod as soon as it has an address,
// then scales back.
func (b *bench) startPlain(ctx context.Context, plain *appsv1.Deployment) (time.Duration, error) {
	if err := b.waitNoPods(ctx, plainLabel); err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := b.scale(ctx, plain, 1); err != nil {
		return 0, err
	}
	address, err := b.podAddress(ctx)
	if err != nil {
		return 0, err
	}
	at, err := answers(ctx, "http://"+address+"/", strings.TrimSuffix(greeting, "!"))
	if err != nil {
		return 0, err
	}
	return at.Sub(begin), b.scale(ctx, plain, 0)
}

func (b *bench) scale(ctx context.Context, deployment *appsv1.Deployment, pods int32) error {
	scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: pods}}
	if err := b.Kube.SubResource("scale").Update(ctx, deployment, client.WithSubResourceBody(scale)); err != nil {
		return fmt.Errorf("scaling %s: %w", deployment.Name, err)
	}
	return nil
}

// podAddress watches for the address of the plain pod.
func (b *bench) podAddress(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	stream, err := b.Kube.Watch(ctx, &corev1.PodList{}, client.InNamespace(b.namespace), plainLabel)
	if err != nil {
		return "", fmt.Errorf("watching pods: %w", err)
	}
	defer stream.Stop()
	for event := range stream.ResultChan() {
		pod, ok := event.Object.(*corev1.Pod)
		if ok && pod.Status.PodIP != "" && pod.DeletionTimestamp == nil {
			return net.JoinHostPort(pod.Status.PodIP, httpPort(*pod)), nil
		}
	}
	return "", fmt.Errorf("the plain pod got no address: %w", ctx.Err())
}

// waitNoPods waits until no pod has these labels, also none that is leaving.
func (b *bench) waitNoPods(ctx context.Context, labels client.MatchingLabels) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		var pods corev1.PodList
		if err := b.Kube.List(ctx, &pods, client.InNamespace(b.namespace), labels); err != nil {
			return fmt.Errorf("listing pods: %w", err)
		}
		if len(pods.Items) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the pods with %v to go: %w", labels, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
