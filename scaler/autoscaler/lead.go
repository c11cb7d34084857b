package autoscaler

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// appPods selects the pods of revisions. It must be the first of several
// options: it replaces what earlier ones selected.
var appPods = client.MatchingLabelsSelector{Selector: v1alpha1.AppPods()}

// leader is what the elected one does first: it puts the pods back into
// traffic that another leader had marked, for those decisions died with it,
// and has every revision decided.
type leader struct {
	*Reconciler
	enqueue func(reconcile.Request)
}

// putBackEvery is the pause until pods are tried again that could not be put
// back into traffic.
const putBackEvery = 5 * time.Second

// lead takes over and leads until ctx ends.
func (l leader) lead(ctx context.Context) {
	var stuck []corev1.Pod
	for {
		var err error
		stuck, err = l.takeOver(ctx)
		if err == nil || ctx.Err() != nil {
			break
		}
		slog.Error("cannot take over", "error", err)
		pause(ctx, time.Second)
	}
	for len(stuck) > 0 && ctx.Err() == nil {
		pause(ctx, putBackEvery)
		stuck = l.putBack(ctx, stuck)
	}
	<-ctx.Done()
	l.leading.Store(false)
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// putBack takes the marks off pods, and returns those whose mark stays. One
// that somebody's webhook keeps must not leave all others without a leader.
func (l leader) putBack(ctx context.Context, pods []corev1.Pod) (stuck []corev1.Pod) {
	for _, pod := range pods {
		if err := l.setDraining(ctx, pod.Namespace, podState{name: pod.Name, draining: true}, false); err != nil {
			slog.Warn("cannot put a pod back into traffic", "namespace", pod.Namespace, "error", err)
			stuck = append(stuck, pod)
		}
	}
	return stuck
}

// takeOver returns the pods that could not be put back.
func (l leader) takeOver(ctx context.Context) ([]corev1.Pod, error) {
	var pods corev1.PodList
	if err := l.Live.List(ctx, &pods, appPods, client.HasLabels{v1alpha1.LabelDraining}); err != nil {
		return nil, fmt.Errorf("listing draining pods: %w", err)
	}
	stuck := l.putBack(ctx, pods.Items)
	var revisions v1alpha1.RevisionList
	if err := l.Client.List(ctx, &revisions); err != nil {
		return nil, fmt.Errorf("listing revisions: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err // lost again
	}
	l.term.Add(1)
	l.leading.Store(true)
	for i := range revisions.Items {
		l.enqueue(reconcile.Request{NamespacedName: nameOf(&revisions.Items[i])})
	}
	slog.Info("leading", "revisions", len(revisions.Items), "podsPutBack", len(pods.Items)-len(stuck))
	return stuck, nil
}

func emptyDeployment(name types.NamespacedName) *appsv1.Deployment {
	return &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
}
