package main

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/api/v1alpha1"
)

const (
	// weighedPods are looked at of each kind.
	weighedPods = 3
	// weighedRequests are what a pod has answered when it is looked at, beside
	// its probes.
	weighedRequests = 200
	// noise is how much the memory of two equal pods may differ, in MiB.
	noise = 1
)

// bareLabel marks pods that have nothing of Headway.
var bareLabel = client.MatchingLabels{"app": "bare"}

// addedMemory compares pods that Headway runs with those that the same image
// makes by itself, all processes of each.
func (b *bench) addedMemory(ctx context.Context) (row, error) {
	const app = "weighed"
	revision, err := b.pushWith(ctx, app, fmt.Sprintf("scale: {min: %d}\n", weighedPods))
	if err != nil {
		return row{}, err
	}
	ours, err := b.weighAll(ctx, revisionLabel(revision))
	if err != nil {
		return row{}, err
	}
	deployment, err := b.deployment(ctx, revision)
	if err != nil {
		return row{}, err
	}
	spec := deployment.Spec.Template.Spec
	for n := range weighedPods {
		if err := b.Kube.Create(ctx, barePod(b.namespace, fmt.Sprint("bare-", n), spec.Containers[0].Image)); err != nil {
			return row{}, fmt.Errorf("creating a pod of nothing but the image: %w", err)
		}
	}
	bare, err := b.weighAll(ctx, bareLabel)
	if err != nil {
		return row{}, err
	}
	if err := b.Kube.DeleteAllOf(ctx, &corev1.Pod{}, client.InNamespace(b.namespace), bareLabel); err != nil {
		return row{}, fmt.Errorf("deleting the pods of nothing but the image: %w", err)
	}
	repository := &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: b.namespace, Name: app}}
	if err := b.Kube.Delete(ctx, repository); err != nil { // later rows count the apps
		return row{}, fmt.Errorf("deleting Repository %s: %w", app, err)
	}
	return newRow("pod.added_mib", beyondNoise(median(ours)-median(bare)), map[string]any{
		"containers": len(spec.Containers) + len(spec.InitContainers), "pod MiB": rounded(ours), "image alone MiB": rounded(bare),
	}), nil
}

// beyondNoise is a difference that is one.
func beyondNoise(mib float64) float64 {
	if math.Abs(mib) < noise {
		return 0
	}
	return mib
}

// barePod runs an image, which listens on 8080 as any app of the bench.
func barePod(namespace, name, image string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: bareLabel},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "app", Image: image, Env: []corev1.EnvVar{{Name: "PORT", Value: "8080"}},
			// One connection a second, as Headway's pods get.
			ReadinessProbe: &corev1.Probe{PeriodSeconds: 1, ProbeHandler: corev1.ProbeHandler{
				TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)},
			}},
		}}},
	}
}

// weighAll waits for the pods with these labels, and weighs each.
func (b *bench) weighAll(ctx context.Context, labels client.MatchingLabels) ([]float64, error) {
	var running []corev1.Pod
	err := b.waitPods(ctx, labels, "all are ready", func(pods []corev1.Pod) bool {
		running = pods
		return len(pods) == weighedPods && !slices.ContainsFunc(pods, func(pod corev1.Pod) bool { return !kubelet.Ready(&pod) })
	})
	if err != nil {
		return nil, err
	}
	var all []float64
	for _, pod := range running {
		memory, err := weigh(ctx, pod)
		if err != nil {
			return nil, err
		}
		all = append(all, memory)
	}
	return all, nil
}

// weigh asks a pod at its address so many times, and returns its memory in MiB.
func weigh(ctx context.Context, pod corev1.Pod) (float64, error) {
	web := &http.Client{Transport: &http.Transport{}}
	defer web.CloseIdleConnections()
	for range weighedRequests {
		if err := drain(ctx, web, "http://"+net.JoinHostPort(pod.Status.PodIP, httpPort(pod))+"/"); err != nil {
			return 0, fmt.Errorf("asking pod %s: %w", pod.Name, err)
		}
	}
	memory, err := podMemory(string(pod.UID))
	if err != nil {
		return 0, fmt.Errorf("reading the memory of pod %s: %w", pod.Name, err)
	}
	return memory.resident, nil
}
