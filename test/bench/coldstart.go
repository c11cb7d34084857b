package main

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/test/localcluster"
)

const (
	// startRounds of a wake-up and of a plain start take turns.
	startRounds = 8
	// The kubelet looks at its containers once a second, and a start ends
	// sooner or later by where in that second it began. So the rounds begin
	// spread over one, settle after all that runs has ended.
	settle, spread = 500 * time.Millisecond, time.Second
)

// coldStarts compares the first answer of a sleeping app, asked through the
// activator, with that of a plain Deployment of the same image that is scaled
// from 0 to 1 and asked at its pod's address.
func (b *bench) coldStarts(ctx context.Context) ([]row, error) {
	const app = "sleeper"
	// The port answers when the process has started, as in the plain start.
	revision, err := b.pushWith(ctx, app, "scale: {idle: 1s}\n")
	if err != nil {
		return nil, err
	}
	deployment, err := b.deployment(ctx, revision)
	if err != nil {
		return nil, err
	}
	plain := plainDeployment(deployment)
	if err := b.Kube.Create(ctx, plain); err != nil {
		return nil, fmt.Errorf("creating the plain Deployment: %w", err)
	}
	var woken, started []way
	for n := range startRounds {
		if err := b.quiet(ctx, revision, n); err != nil {
			return nil, err
		}
		took, err := b.wake(ctx, app, revision)
		if err != nil {
			return nil, err
		}
		woken = append(woken, took)
		if err := b.quiet(ctx, revision, n); err != nil {
			return nil, err
		}
		if took, err = b.startPlain(ctx, plain); err != nil {
			return nil, err
		}
		started = append(started, took)
	}
	ours, ourParts := figures(woken, milliseconds)
	theirs, theirParts := figures(started, milliseconds)
	return []row{newRow("coldstart.zero_ratio", median(ours)/median(theirs), map[string]any{
		"woken ms": rounded(ours), "woken parts": ourParts,
		"plain ms": rounded(theirs), "plain parts": theirParts,
	})}, nil
}

// pushWith pushes the hello app with these further lines in its headway.yaml,
// and waits until it has answered.
func (b *bench) pushWith(ctx context.Context, app, lines string) (revision string, err error) {
	tree, err := b.clone(ctx, helloApp, "hello", app)
	if err != nil {
		return "", err
	}
	if err := tree.Write("headway.yaml", "name: "+app+"\n"+lines); err != nil {
		return "", err
	}
	return b.pushNew(ctx, tree, app, greeting)
}

// quiet waits until no pod is left of either kind, and then for the moment at
// which round n begins.
func (b *bench) quiet(ctx context.Context, revision string, n int) error {
	for _, labels := range []client.MatchingLabels{revisionLabel(revision), plainLabel} {
		if err := b.waitNoPods(ctx, labels); err != nil {
			return err
		}
	}
	return pause(ctx, settle+spread*time.Duration(n%startRounds)/startRounds)
}

// pause is a sleep that ends with the context.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// wake asks a sleeping app once.
func (b *bench) wake(ctx context.Context, app, revision string) (way, error) {
	b.seen.forget(revision)
	begin := time.Now()
	if err := askOnce(ctx, localcluster.URL(app, b.namespace)); err != nil {
		return way{}, fmt.Errorf("waking %s: %w", app, err)
	}
	now := time.Now()
	return way{now.Sub(begin), b.seen.startParts(revision, begin, now)}, nil
}

// askOnce gets a URL over a connection of its own; any answer but 200 is an
// error.
func askOnce(ctx context.Context, url string) error {
	web := localcluster.Browser()
	defer web.CloseIdleConnections()
	return drain(ctx, web, url)
}

// plainLabel marks the pods of the plain Deployment.
var plainLabel = client.MatchingLabels{"app": plainName}

// plainDeployment runs what Headway runs, with nothing of Headway around it. It
// stops faster, as nobody has to stop sending it requests first.
func plainDeployment(headway *appsv1.Deployment) *appsv1.Deployment {
	var none int32
	pod := headway.Spec.Template.DeepCopy()
	pod.Labels, pod.Annotations, pod.Spec.Containers[0].Lifecycle = plainLabel, nil, nil
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: headway.Namespace, Name: plainName},
		Spec: appsv1.DeploymentSpec{
			Replicas: &none, Selector: &metav1.LabelSelector{MatchLabels: plainLabel}, Template: *pod,
		},
	}
}

// startPlain scales from 0 to 1 and asks the pod as soon as it has an address,
// then scales back.
func (b *bench) startPlain(ctx context.Context, plain *appsv1.Deployment) (way, error) {
	b.seen.forget(plain.Name)
	begin := time.Now()
	if err := b.scale(ctx, plain, 1); err != nil {
		return way{}, err
	}
	address, err := b.seen.address(ctx, plain.Name)
	if err != nil {
		return way{}, err
	}
	at, err := answers(ctx, "http://"+address+"/", greeting)
	if err != nil {
		return way{}, err
	}
	s := way{at.Sub(begin), b.seen.startParts(plain.Name, begin, at)}
	return s, b.scale(ctx, plain, 0)
}

func (b *bench) scale(ctx context.Context, deployment *appsv1.Deployment, pods int32) error {
	scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: pods}}
	if err := b.Kube.SubResource("scale").Update(ctx, deployment, client.WithSubResourceBody(scale)); err != nil {
		return fmt.Errorf("scaling %s: %w", deployment.Name, err)
	}
	return nil
}
