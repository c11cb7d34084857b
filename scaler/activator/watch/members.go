package watch

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"github.com/headway-dev/headway/api/kubelet"
	"github.com/headway-dev/headway/scaler/activator/keeper"
)

// memberLabels are on the pods of all activators.
var memberLabels = labels.SelectorFromSet(labels.Set{"app.kubernetes.io/name": "headway-activator"})

// Members follows the activators of a namespace until ctx ends. set is called
// with all of them whenever they change, and once when they are known.
func Members(ctx context.Context, cfg *rest.Config, namespace string, set func([]keeper.Member)) error {
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return fmt.Errorf("registering core types: %w", err)
	}
	c, err := cache.New(cfg, cache.Options{
		Scheme: scheme, DefaultTransform: strip,
		DefaultNamespaces: map[string]cache.Config{namespace: {LabelSelector: memberLabels}},
	})
	if err != nil {
		return fmt.Errorf("making the cache of activators: %w", err)
	}
	return running(ctx, "activators", c, func(ctx context.Context) error {
		changed := make(chan struct{}, 1)
		signal := func() {
			select {
			case changed <- struct{}{}:
			default:
			}
		}
		informer, err := c.GetInformer(ctx, &corev1.Pod{})
		if err != nil {
			return err
		}
		if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
			AddFunc: func(any) { signal() }, UpdateFunc: func(any, any) { signal() }, DeleteFunc: func(any) { signal() },
		}); err != nil {
			return err
		}
		signal() // even if there is none
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-changed:
			}
			var pods corev1.PodList
			if err := c.List(ctx, &pods); err != nil {
				return err
			}
			set(members(pods.Items))
			pause(ctx, settle)
		}
	})
}

// members are the pods that live. One that leaves still has requests in
// flight, and is asked about them.
func members(pods []corev1.Pod) []keeper.Member {
	var out []keeper.Member
	for i := range pods {
		p := &pods[i]
		if p.Status.PodIP == "" || kubelet.Ended(p) {
			continue
		}
		out = append(out, keeper.Member{Name: p.Name, IP: p.Status.PodIP, Ready: kubelet.Ready(p)})
	}
	return out
}
