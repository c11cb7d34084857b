package autoscaler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/decide"
	"github.com/headway-dev/headway/scaler/report"
)

var shop = types.NamespacedName{Namespace: "default", Name: "shop-1a2b3c4d"}

// activators is what the test says that activators report.
type activators struct {
	reports []decide.Report
	pods    map[string]int
}

func (a *activators) Reports(key report.Key) []decide.Report {
	if types.NamespacedName(key) != shop {
		return nil
	}
	return a.reports
}

func (a *activators) PodLoads(report.Key) map[string]int { return a.pods }

// world is a cluster with one revision, shop, that has been ready and gets all
// traffic. Its load is steady between two calls of step.
type world struct {
	*Reconciler
	t      *testing.T
	api    client.Client
	acts   *activators
	now    time.Time
	stream decide.Report
	writes []string // what was written since the last look
	stale  bool     // the cache does not learn of what is written
	refuse error    // of writes to pods
}

func newWorld(t *testing.T, replicas int32, scale v1alpha1.Scale) *world {
	t.Helper()
	w := &world{t: t, acts: &activators{pods: map[string]int{}}, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	rev := &v1alpha1.Revision{ObjectMeta: meta(shop.Name), Spec: v1alpha1.RevisionSpec{App: "shop"}}
	rev.UID, rev.Spec.Scale, rev.Status.EverReady = "revision", scale, true
	deployment := &appsv1.Deployment{ObjectMeta: meta(shop.Name), Spec: appsv1.DeploymentSpec{Replicas: &replicas}}
	deployment.Status.ReadyReplicas = replicas
	app := &v1alpha1.App{ObjectMeta: meta("shop")}
	app.Status.Revisions = []v1alpha1.RevisionRole{{Name: shop.Name, Role: v1alpha1.RoleLive, Weight: v1alpha1.Whole}}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	w.api = fake.NewClientBuilder().WithScheme(scheme).WithObjects(rev, deployment, app).
		WithStatusSubresource(rev, deployment, app).
		WithIndex(&corev1.Pod{}, standbyOf, func(o client.Object) []string {
			if _, ok := o.GetLabels()[v1alpha1.LabelStandby]; !ok {
				return nil // is not in the cache
			}
			return []string{o.GetLabels()[v1alpha1.LabelRevision]}
		}).
		WithInterceptorFuncs(interceptor.Funcs{Patch: w.patched, Delete: w.deleted, SubResourcePatch: w.scaled}).Build()
	for i := range replicas {
		w.addPod(fmt.Sprintf("pod-%d", i))
	}
	w.Reconciler = &Reconciler{Client: w.api, Live: w.api, Reports: w.acts, Now: func() time.Time { return w.now }}
	w.stream = decide.Report{Stream: "a"}
	return w
}

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: shop.Namespace, Name: name}
}

func madeByReplicaSet(name string) []metav1.OwnerReference {
	mine := true
	return []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: name, UID: types.UID(name), Controller: &mine}}
}

func (w *world) addPod(name string) {
	w.t.Helper()
	pod := &corev1.Pod{ObjectMeta: meta(name)}
	pod.Labels = map[string]string{v1alpha1.LabelApp: "shop", v1alpha1.LabelRevision: shop.Name}
	pod.OwnerReferences = madeByReplicaSet(shop.Name + "-6f5d8c")
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if err := w.api.Create(w.t.Context(), pod); err != nil {
		w.t.Fatal(err)
	}
}

// patched notes a patch of a pod or a Revision.
func (w *world) patched(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return c.Patch(ctx, o, p, opts...)
	}
	if w.refuse != nil {
		return w.refuse
	}
	data, err := p.Data(o)
	if err != nil {
		return err
	}
	var patch struct {
		Metadata struct{ Labels map[string]*string }
	}
	if err := json.Unmarshal(data, &patch); err != nil {
		return err
	}
	what := "put back "
	switch {
	case patch.Metadata.Labels[v1alpha1.LabelStandby] != nil:
		what = "own "
	case patch.Metadata.Labels[v1alpha1.LabelDraining] != nil:
		what = "mark "
	}
	w.writes = append(w.writes, what+pod.Name)
	if w.stale {
		return nil
	}
	return c.Patch(ctx, o, p, opts...)
}

// deleted notes the deletion of a pod.
func (w *world) deleted(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
	if len(opts) > 0 { // not by a test
		w.writes = append(w.writes, "delete "+o.GetName())
	}
	return c.Delete(ctx, o, opts...)
}

// scaled notes a patch of the scale subresource, and does what the Deployment
// controller would.
func (w *world) scaled(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
	if sub == "status" {
		return c.SubResource(sub).Patch(ctx, o, p, opts...)
	}
	var options client.SubResourcePatchOptions
	options.ApplyOptions(opts)
	data, err := p.Data(o)
	if err != nil {
		return err
	}
	var scale autoscalingv1.Scale
	if err := json.Unmarshal(data, &scale); err != nil {
		return err
	}
	w.writes = append(w.writes, fmt.Sprintf("%s %d by %s", sub, scale.Spec.Replicas, options.FieldManager))
	var d appsv1.Deployment
	if err := c.Get(ctx, client.ObjectKeyFromObject(o), &d); err != nil {
		return err
	}
	if w.stale {
		options.SubResourceBody.SetResourceVersion(d.ResourceVersion + "0") // ten times as late
		return nil
	}
	d.Spec.Replicas = &scale.Spec.Replicas
	if err := c.Update(ctx, &d); err != nil {
		return err
	}
	options.SubResourceBody.SetResourceVersion(d.ResourceVersion)
	d.Status.ReadyReplicas = scale.Spec.Replicas
	return c.Status().Update(ctx, &d)
}

// tick is the time between two reports. It is longer than in production to save
// time.
const tick = 500 * time.Millisecond

// step lets time pass under a load, reconciles and returns what was written.
func (w *world) step(d time.Duration, inFlight, queued int) []string {
	w.t.Helper()
	w.writes = nil
	for end := w.now.Add(d); ; {
		w.stream.InFlight, w.stream.Queued, w.stream.At = inFlight, queued, w.now
		w.acts.reports = []decide.Report{w.stream}
		if _, err := w.Reconcile(w.t.Context(), ctrl.Request{NamespacedName: shop}); err != nil {
			w.t.Fatal(err)
		}
		if !w.now.Before(end) {
			return w.writes
		}
		w.now = w.now.Add(tick)
		w.stream.Busy += time.Duration(inFlight+queued) * tick
	}
}

// change changes the statuses of the Revision and of its App.
func (w *world) change(f func(*v1alpha1.RevisionStatus, *v1alpha1.AppStatus)) {
	w.t.Helper()
	ctx, rev, app := w.t.Context(), &v1alpha1.Revision{ObjectMeta: meta(shop.Name)}, &v1alpha1.App{ObjectMeta: meta("shop")}
	for _, object := range []client.Object{rev, app} {
		if err := w.api.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
			w.t.Fatal(err)
		}
	}
	f(&rev.Status, &app.Status)
	if err := errors.Join(w.api.Status().Update(ctx, rev), w.api.Status().Update(ctx, app)); err != nil {
		w.t.Fatal(err)
	}
}

// told is the last change as the Revision has it.
func (w *world) told() string {
	w.t.Helper()
	var rev v1alpha1.Revision
	if err := w.api.Get(w.t.Context(), shop, &rev); err != nil {
		w.t.Fatal(err)
	}
	s := rev.Status.Scaling
	if s == nil {
		return ""
	}
	return fmt.Sprintf("%s: %d -> %d: %s", s.At.UTC().Format(time.RFC3339), s.From, s.To, s.Reason)
}
