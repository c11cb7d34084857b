//go:build integration

package integration

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/headway-dev/headway/api/apply"
	"github.com/headway-dev/headway/api/election"
	"github.com/headway-dev/headway/api/v1alpha1"
	scaling "github.com/headway-dev/headway/scaler/autoscaler"
	"github.com/headway-dev/headway/scaler/receiver"
	"github.com/headway-dev/headway/scaler/report"
)

// startAutoscaler runs a production autoscaler for one namespace. stop ends it
// in order.
func startAutoscaler(t *testing.T, ns, address string, waker scaling.Waker) (stop func()) {
	t.Helper()
	slim := scaling.CacheOptions()
	slim.DefaultNamespaces = map[string]cache.Config{ns: {}}
	again := true // there are two in this process
	mgr, err := ctrl.NewManager(server, ctrl.Options{
		Scheme: scheme, Cache: slim, Metrics: metrics.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: &again},
	})
	if err != nil {
		t.Fatal(err)
	}
	account := types.NamespacedName{Namespace: ns, Name: "activator"}
	ctx, cancel := context.WithCancel(context.Background())
	options := scaling.Options{Listen: address, Activators: account, Waker: waker, Lease: &election.Lease{Name: "headway-autoscaler", Namespace: ns}}
	if err := scaling.Setup(ctx, mgr, options); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	return sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("autoscaler %s: %v", address, err)
		}
	})
}

// freePort is a loopback address that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// activator reports what the test says.
type activator struct {
	mu     sync.Mutex
	sample report.Sample
}

func (a *activator) samples(yield func(report.Sample)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	yield(a.sample)
}

// set changes the load, and its sums as if it had lasted.
func (a *activator) set(inFlight, queued int, lasted time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sample.InFlight, a.sample.Queued = inFlight, queued
	a.sample.Requests++
	a.sample.Busy += time.Duration(inFlight+queued) * lasted
}

// report streams to an autoscaler with the token of a service account.
func (a *activator) report(t *testing.T, ns, account, address string) *report.Client {
	t.Helper()
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{receiver.Audience}}}
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: account}}
	if err := api.Create(t.Context(), sa); err != nil && !strings.Contains(err.Error(), "already exists") {
		t.Fatal(err)
	}
	if err := api.SubResource("token").Create(t.Context(), sa, request); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(request.Status.Token), 0o600); err != nil {
		t.Fatal(err)
	}
	c := report.NewClient(report.Options{
		To: address, Identity: account, TokenFile: file, Samples: a.samples, Logger: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return c
}

// scaledTo waits until the Deployment asks for n pods.
func scaledTo(t *testing.T, name types.NamespacedName, n int32) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		var d appsv1.Deployment
		if err := api.Get(t.Context(), name, &d); err != nil {
			t.Fatal(err)
		}
		if *d.Spec.Replicas == n {
			return time.Since(began)
		}
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%d pods are asked for, want %d", *d.Spec.Replicas, n)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// sleeping makes a revision that has been ready and has no pods.
func sleeping(t *testing.T, ns, idle string) types.NamespacedName {
	t.Helper()
	rev := in(ns, revision(fields{
		"spec.scale.max": int64(5), "spec.scale.concurrency": int64(10), "spec.scale.limit": int64(0), "spec.scale.min": int64(0),
		"spec.scale.idle": idle,
	}))
	create(t, rev)
	set(rev, fields{"status.everReady": true, "status.replicas": int64(0)})
	if err := api.Status().Update(t.Context(), rev); err != nil {
		t.Fatal(err)
	}
	live := in(ns, app(nil))
	create(t, live)
	set(live, fields{"status.revisions": []any{map[string]any{
		"name": rev.GetName(), "role": "live", "weight": int64(10000), "since": "2026-01-01T00:00:00.000000Z",
	}}})
	if err := api.Status().Update(t.Context(), live); err != nil {
		t.Fatal(err)
	}
	none, labels := int32(0), map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelRevision: rev.GetName()}
	err := api.Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: rev.GetName(), Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: &none, Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app"}}},
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return types.NamespacedName{Namespace: ns, Name: rev.GetName()}
}

// TestAutoscaler wakes a revision through the real API server, and changes the
// leader under load.
func TestAutoscaler(t *testing.T) {
	ns := namespace(t)
	shop := sleeping(t, ns, "30s")
	first, second := freePort(t), freePort(t)
	stopFirst := startAutoscaler(t, ns, first, nil)
	defer stopFirst()

	a := &activator{sample: report.Sample{Key: report.Key(shop)}}
	one := a.report(t, ns, "activator", first)
	stranger := &activator{sample: report.Sample{Key: report.Key(shop), InFlight: 500}}
	stranger.report(t, ns, "stranger", first)

	// It has nothing to do yet, so only its lease shows that it leads.
	eventually(t, "a leader", func() error {
		lease := &coordinationv1.Lease{}
		return api.Get(t.Context(), types.NamespacedName{Namespace: ns, Name: "headway-autoscaler"}, lease)
	})
	time.Sleep(time.Second) // in which the stranger tries
	scaledTo(t, shop, 0)

	a.set(0, 1, 0)
	one.Edge()
	t.Logf("from the poke to the patch: %s", scaledTo(t, shop, 1))
	eventually(t, "the reason", func() error {
		var rev v1alpha1.Revision
		if err := api.Get(t.Context(), shop, &rev); err != nil {
			return err
		}
		if got := rev.Status.Scaling; got == nil || got.From != 0 || got.To != 1 || got.Reason != "a request woke it" {
			return fmt.Errorf("scaling is %+v", got)
		}
		return nil
	})

	a.set(45, 0, 3*time.Second)
	scaledTo(t, shop, 5)
	var d appsv1.Deployment
	if err := api.Get(t.Context(), shop, &d); err != nil {
		t.Fatal(err)
	}
	for _, entry := range d.ManagedFields {
		owns := strings.Contains(entry.FieldsV1.GetRawString(), "f:replicas") && entry.Subresource != "status"
		if owns != (entry.Manager == string(apply.Autoscaler)) {
			t.Errorf("%s, subresource %q, owns replicas: %v", entry.Manager, entry.Subresource, owns)
		}
	}

	// The second one stands by, then takes over, and takes nothing away.
	stopSecond := startAutoscaler(t, ns, second, nil)
	defer stopSecond()
	two := a.report(t, ns, "activator", second)
	a.set(1, 0, 0)
	stopFirst()
	time.Sleep(3 * time.Second)
	scaledTo(t, shop, 5)
	a.set(0, 0, 0)
	if err := api.Patch(t.Context(), &d, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":0}}`))); err != nil {
		t.Fatal(err)
	}
	a.set(0, 1, 0) // after somebody else has put it to sleep
	two.Edge()
	t.Logf("by the new leader: %s", scaledTo(t, shop, 1))
}
