package watch

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/scaler/activator/backend"
	"github.com/headway-dev/headway/scaler/activator/table"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func object(name string, uid types.UID) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "default", Name: name, UID: uid, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "x"}}}
}

func newRevision(name string, uid types.UID) *v1alpha1.Revision {
	r := &v1alpha1.Revision{ObjectMeta: object(name, uid)}
	r.Spec.App = "shop"
	r.Spec.Runtime = v1alpha1.Runtime{
		Port: 9000, Timeout: metav1.Duration{Duration: 7 * time.Second},
		Health: &v1alpha1.Health{Path: "/up"}, Scale: v1alpha1.Scale{Limit: 3},
		Env: []v1alpha1.EnvVar{{Name: "SECRET", Value: "x"}},
	}
	return r
}

func newPod(name, revision, ip string, ready corev1.ConditionStatus) *corev1.Pod {
	p := &corev1.Pod{ObjectMeta: object(name, types.UID(name))}
	p.Labels = map[string]string{v1alpha1.LabelRevision: revision, "other": "label"}
	p.Status.PodIP = ip
	p.Status.Phase = corev1.PodRunning
	p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: "True"}, {Type: corev1.PodReady, Status: ready}}
	return p
}

func newRoute(revision string) *v1alpha1.Route {
	r := &v1alpha1.Route{ObjectMeta: object("shop", "route")}
	r.Spec = v1alpha1.RouteSpec{App: "shop", Hosts: []string{"shop.localhost"},
		Traffic:       []v1alpha1.TrafficTarget{{Revision: revision, Weight: v1alpha1.Whole}},
		RevisionHosts: []v1alpha1.RevisionHost{{Host: revision + ".localhost", Revision: revision}}}
	return r
}

func newTestState(t *testing.T) (*state, func(host string) table.Match) {
	tables := new(atomic.Pointer[table.Table])
	s := newState(tables, &table.Compiler{}, Hooks{Compiled: func() { keepAll(tables) }})
	s.publish()
	tables.Store(table.Compile(nil, nil))
	t.Cleanup(s.close)
	return s, func(host string) table.Match { return tables.Load().Resolve(to(host)) }
}

// to is a request with nothing but a host.
type to string

func (h to) Host() string               { return string(h) }
func (to) Method() string               { return "GET" }
func (to) Header(string) (string, bool) { return "", false }
func (to) Cookie(string) (string, bool) { return "", false }

// keepAll gives this activator every limit, as the only one has.
func keepAll(tables *atomic.Pointer[table.Table]) {
	for rev := range tables.Load().Revisions() {
		rev.Keep(nil)
	}
}

// TestStateFollowsTheCluster tells the life of an app, in an order in which
// informers may tell it: pods and routes before their revision.
func TestStateFollowsTheCluster(t *testing.T) {
	s, resolve := newTestState(t)
	open := func() int { return resolve("shop.localhost").Revision.Load().Open }

	s.setRoute(newRoute("shop-1"))
	s.setPod(newPod("a", "shop-1", "10.0.0.1", "True"))
	s.publish()
	if m := resolve("shop.localhost"); !m.Known || m.Revision != nil {
		t.Fatalf("before the revision is known: %+v", m)
	}

	s.setRevision(newRevision("shop-1", "uid-1"))
	s.publish()
	rev := resolve("shop.localhost").Revision
	want := backend.Settings{Namespace: "default", App: "shop", Name: "shop-1", Timeout: 7 * time.Second, Stall: 30 * time.Second, Limit: 3, HealthPath: "/up"}
	if diff := cmp.Diff(want, rev.Settings); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	lease, ok := rev.TryAcquire()
	if !ok || lease.Pod.Addr != "10.0.0.1:9000" {
		t.Fatalf("lease %+v, %v", lease, ok)
	}
	lease.Release()
	if resolve("shop-1.localhost").Revision != rev {
		t.Error("the revision's own host leads elsewhere")
	}

	s.setPod(newPod("b", "shop-1", "", "False"))            // no address yet
	s.setPod(newPod("c", "shop-1", "10.0.0.3", "False"))    // starting
	s.setPod(newPod("d", "shop-other", "10.0.0.4", "True")) // of another revision
	s.setRevision(newRevision("shop-1", "uid-1"))           // a status update
	s.publish()
	if got := open(); got != 1 {
		t.Errorf("%d pods open, want 1", got)
	}
	if resolve("shop.localhost").Revision != rev {
		t.Error("an update of the status made a new revision")
	}

	chosen := newPod("a", "shop-1", "10.0.0.1", "True")
	chosen.Labels[v1alpha1.LabelDraining] = ""
	stripped, _ := strip(chosen)
	s.setPod(stripped.(*corev1.Pod))
	s.publish()
	if got := open(); got != 0 {
		t.Errorf("%d pods open though the only one is about to be removed, want 0", got)
	}
	s.setPod(newPod("a", "shop-1", "10.0.0.1", "True"))
	s.publish()
	if got := open(); got != 1 {
		t.Errorf("%d pods open after it was spared, want 1", got)
	}

	s.setPod(newPod("b", "shop-1", "10.0.0.2", "True"))
	draining := newPod("a", "shop-1", "10.0.0.1", "True")
	draining.DeletionTimestamp = &metav1.Time{Time: time.Now()}
	s.setPod(draining)
	s.publish()
	if lease, _ := rev.TryAcquire(); lease.Pod == nil || lease.Pod.Name != "b" {
		t.Errorf("got %+v, want pod b, as a is being deleted", lease.Pod)
	}
	s.deletePod(draining)
	failed := newPod("b", "shop-1", "10.0.0.2", "True")
	failed.Status.Phase = corev1.PodFailed
	s.setPod(failed)
	s.publish()
	if got := open(); got != 0 {
		t.Errorf("%d pods open after all have gone, want 0", got)
	}

	// The same name, another object: nothing of the old one remains.
	s.deleteRevision(newRevision("shop-1", "uid-1"))
	s.setRevision(newRevision("shop-1", "uid-2"))
	s.deleteRevision(newRevision("shop-1", "uid-1")) // a late word of the old one
	s.publish()
	if next := resolve("shop.localhost").Revision; next == nil || next == rev {
		t.Errorf("after the revision was made again: %v", next)
	}
	s.deleteRoute(newRoute("shop-1"))
	s.publish()
	if resolve("shop.localhost").Known {
		t.Error("the route is still there")
	}
}

func TestStripKeepsWhatIsRead(t *testing.T) {
	s, resolve := newTestState(t)
	pod, err := strip(newPod("a", "shop-1", "10.0.0.1", "True"))
	if err != nil {
		t.Fatal(err)
	}
	rev, _ := strip(newRevision("shop-1", "uid-1"))
	route, _ := strip(newRoute("shop-1"))
	s.setPod(pod.(*corev1.Pod))
	s.setRevision(rev.(*v1alpha1.Revision))
	s.setRoute(route.(*v1alpha1.Route))
	s.publish()
	if got := resolve("shop.localhost").Revision; got.Load().Open != 1 || got.Limit != 3 || got.HealthPath != "/up" {
		t.Errorf("something was stripped that is needed: %+v", got.Settings)
	}
	if len(rev.(*v1alpha1.Revision).Spec.Env) > 0 || len(pod.(*corev1.Pod).ManagedFields) > 0 || len(pod.(*corev1.Pod).Labels) != 1 {
		t.Error("something was kept that is not needed")
	}
}

// TestRequestsLeaveARevisionWithItsTraffic: those that wait are sent back to the
// table when a Route gives their revision nothing any more, and not before.
func TestRequestsLeaveARevisionWithItsTraffic(t *testing.T) {
	s, resolve := newTestState(t)
	for _, name := range []string{"shop-1", "shop-2"} {
		s.setRevision(newRevision(name, types.UID(name)))
	}
	s.setRoute(newRoute("shop-1"))
	s.publish()
	rev := resolve("shop.localhost").Revision
	waits := make(chan error, 1)
	go func() {
		_, err := rev.Acquire(t.Context())
		waits <- err
	}()
	for rev.Load().Queued == 0 {
		time.Sleep(time.Millisecond)
	}
	both := newRoute("shop-1")
	both.Spec.Traffic = []v1alpha1.TrafficTarget{{Revision: "shop-1", Weight: 1}, {Revision: "shop-2", Weight: 99}}
	s.setRoute(both)
	s.publish()
	if rev.Load().Queued != 1 {
		t.Error("a request was sent away from a revision that has traffic")
	}
	both.Spec.Traffic = []v1alpha1.TrafficTarget{{Revision: "shop-2", Weight: v1alpha1.Whole}, {Revision: "shop-1"}}
	s.setRoute(both)
	s.publish()
	if err := <-waits; !errors.Is(err, backend.ErrRerouted) {
		t.Errorf("got %v", err)
	}
}
