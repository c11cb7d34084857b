package prepull

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var (
	digestA = "sha256:" + strings.Repeat("a", 64)
	digestB = "sha256:" + strings.Repeat("b", 64)
)

// world is an API server with a puller; the tests play the kubelets.
type world struct {
	*testing.T
	api    client.Client
	r      *Puller
	events *events.FakeRecorder
	refuse error // the answer to the creation of pods
	keep   error // the answer to their deletion
	old    bool  // the API server knows no image volumes
	writes int
}

func newWorld(t *testing.T, objects ...client.Object) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, events: events.NewFakeRecorder(10)}
	w.api = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
	w.restart()
	return w
}

// restart forgets all that the puller remembers.
func (w *world) restart() {
	counted := interceptor.NewClient(w.api.(client.WithWatch), interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			w.writes++
			if w.refuse != nil {
				return w.refuse
			}
			o.SetUID(types.UID("uid-" + o.GetName()))
			o.SetCreationTimestamp(metav1.Now())
			if w.old {
				o.(*corev1.Pod).Spec.Volumes[0].VolumeSource = corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}
			}
			return c.Create(ctx, o, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			w.writes++
			return c.Patch(ctx, o, p, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			w.writes++
			if w.keep != nil {
				return w.keep
			}
			return c.Delete(ctx, o, opts...)
		},
	})
	w.r = &Puller{Client: counted, Events: w.events, ParkImage: "registry/park@" + digestB}
}

// look returns the names of the pull pods that there are then.
func (w *world) look() []string {
	w.Helper()
	if err := w.r.look(w.Context(), time.Now()); err != nil {
		w.Fatal(err)
	}
	var pods corev1.PodList
	if err := w.api.List(w.Context(), &pods, client.HasLabels{labelPrepull}); err != nil {
		w.Fatal(err)
	}
	var names []string
	for _, pod := range pods.Items {
		names = append(names, pod.Name)
	}
	return names
}

func (w *world) want(what string, names ...string) {
	w.Helper()
	if got := w.look(); !slices.Equal(got, names) {
		w.Errorf("%s: the pull pods are %v, want %v", what, got, names)
	}
}

// kubelet gives a pull pod a status.
func (w *world) kubelet(name string, status corev1.PodStatus) {
	w.Helper()
	pod := &corev1.Pod{}
	if err := w.api.Get(w.Context(), client.ObjectKey{Namespace: "team", Name: name}, pod); err != nil {
		w.Fatal(err)
	}
	pod.Status = status
	if err := w.api.Status().Update(w.Context(), pod); err != nil {
		w.Fatal(err)
	}
}

func (w *world) add(objects ...client.Object) {
	w.Helper()
	for _, o := range objects {
		if err := w.api.Create(w.Context(), o); err != nil {
			w.Fatal(err)
		}
	}
}

// newRevision was ready once; "digest" is that of its image.
func newRevision(name, digest string) *v1alpha1.Revision {
	return &v1alpha1.Revision{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name, UID: types.UID("uid-" + name)},
		Status:     v1alpha1.RevisionStatus{Image: "registry/apps/team/hello@" + digest, EverReady: true},
	}
}

// newApp gives its traffic to the first revision, and wants all.
func newApp(revisions ...string) *v1alpha1.App {
	app := &v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "hello"}}
	for i, name := range revisions {
		app.Status.Revisions = append(app.Status.Revisions, v1alpha1.RevisionRole{Name: name, Role: v1alpha1.RoleKept, Weight: []int32{100, 0}[min(i, 1)]})
	}
	return app
}

// newNode takes app pods. Its ID is its name, eight times.
func newNode(name string, images ...string) *corev1.Node {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-" + name, UID: types.UID(strings.Repeat(name, 8) + "-1")}}
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	for _, image := range images {
		node.Status.Images = append(node.Status.Images, corev1.ContainerImage{Names: []string{image}})
	}
	return node
}

// appPod is a pod of a revision on a node.
func appPod(revision, node string, status corev1.PodStatus) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: revision + "-" + node, Labels: map[string]string{v1alpha1.LabelRevision: revision}},
		Spec:       corev1.PodSpec{NodeName: "node-" + node},
		Status:     status,
	}
}

var (
	running = corev1.PodStatus{Phase: corev1.PodRunning}
	pending = corev1.PodStatus{Phase: corev1.PodPending}
	ended   = corev1.PodStatus{Phase: corev1.PodSucceeded}
	backoff = corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "no such host"}},
	}}}
)

// TestOneNode: where a pod of the revision has brought the image to the only
// node, or is about to, nothing is written, also after the pod is gone.
func TestOneNode(t *testing.T) {
	pod, node := appPod("hello-1", "1", pending), newNode("1")
	w := newWorld(t, newRevision("hello-1", digestA), newApp("hello-1"), node, pod)
	w.want("while the pod starts")
	pod.Status = running
	node.Status.Images = newNode("1", "registry/apps/team/hello@"+digestA).Status.Images
	if err := errors.Join(w.api.Status().Update(t.Context(), pod), w.api.Status().Update(t.Context(), node)); err != nil {
		t.Fatal(err)
	}
	w.want("while it runs")
	if err := w.api.Delete(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	w.want("at zero")
	if w.writes != 0 {
		t.Errorf("%d writes", w.writes)
	}
}

// TestOtherNode: a second node gets the image once, across restarts.
func TestOtherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newRevision("hello-1", digestA), newApp("hello-1"), newNode("1"), newNode("2"), appPod("hello-1", "1", running))
		w.want("it ran on the first", "hello-1-pull-22222222")
		w.want("once is enough", "hello-1-pull-22222222")
		w.restart()
		w.want("the next controller finds the pod", "hello-1-pull-22222222")
		w.kubelet("hello-1-pull-22222222", ended)
		w.want("the image is there")
		writes := w.writes
		w.want("and stays known")
		w.restart()
		w.want("also to the next controller")
		if w.writes != writes {
			t.Errorf("%d writes for nothing", w.writes-writes)
		}
		rev := newRevision("hello-1", "")
		if err := w.api.Get(t.Context(), client.ObjectKeyFromObject(rev), rev); err != nil || rev.Annotations[annotationPulledOn] != "22222222" {
			t.Errorf("the Revision says %v, %v", rev.Annotations, err)
		}
		w.add(newNode("3"))
		w.want("a node that joins", "hello-1-pull-33333333")
	})
}

func TestReach(t *testing.T) {
	unready, draining := newRevision("hello-3", digestB), newRevision("hello-4", digestB)
	unready.Status.EverReady = false
	draining.DeletionTimestamp, draining.Finalizers = &metav1.Time{Time: start}, []string{v1alpha1.FinalizerCleanup}
	app := newApp("hello-1", "hello-2", "hello-3", "hello-4", "hello-6")
	app.Status.Revisions[4].Role = v1alpha1.RoleReplaced
	w := newWorld(t,
		newRevision("hello-1", digestA), unready, draining, newRevision("hello-5", digestB), newRevision("hello-6", digestB),
		newRevision("hello-2", strings.ReplaceAll(digestA, "a", "c")), app, newNode("1"))
	w.want("the one with traffic", "hello-1-pull-11111111")
	w.kubelet("hello-1-pull-11111111", ended)
	w.want("then the one without", "hello-2-pull-11111111")
	w.kubelet("hello-2-pull-11111111", ended)
	w.want("and no other")
}

func TestNodeHasImage(t *testing.T) {
	for name, node := range map[string]*corev1.Node{
		"listed by the kubelet": newNode("1", "registry/apps/team/hello@"+digestA),
		"cordoned":              func() *corev1.Node { n := newNode("1"); n.Spec.Unschedulable = true; return n }(),
		"not ready":             func() *corev1.Node { n := newNode("1"); n.Status.Conditions = nil; return n }(),
		"of another system": func() *corev1.Node {
			n := newNode("1")
			n.Labels = map[string]string{corev1.LabelOSStable: "windows"}
			return n
		}(),
		"tainted": func() *corev1.Node {
			n := newNode("1")
			n.Spec.Taints = []corev1.Taint{{Key: "gpu", Effect: corev1.TaintEffectNoSchedule}}
			return n
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			SlimNode(node)
			newWorld(t, newRevision("hello-1", digestA), newApp("hello-1"), node).want(name)
		})
	}
	slim := newNode("1", "registry/apps/team/hello@"+digestB)
	SlimNode(slim)
	newWorld(t, newRevision("hello-1", digestA), newApp("hello-1"), slim).
		want("another image", "hello-1-pull-11111111")
}

// TestGivingUp: the kubelet tries for a while, then there is an event, once, also
// if the pod cannot be deleted at once.
func TestGivingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, newRevision("hello-1", digestA), newApp("hello-1"), newNode("1"))
		w.kubelet(w.look()[0], backoff)
		time.Sleep(pullLimit - time.Second)
		w.want("the kubelet goes on", "hello-1-pull-11111111")
		w.keep = errors.New("the API server is away")
		time.Sleep(time.Second)
		if err := w.r.look(t.Context(), time.Now()); !errors.Is(err, w.keep) {
			t.Fatalf("error %v", err)
		}
		w.keep = nil
		w.want("it is given up")
		time.Sleep(time.Hour)
		w.restart()
		w.want("for good")
		w.wantEvent("ImagePullBackOff: no such host")
	})
}

// TestRefused: a quota is no error to repeat.
func TestRefused(t *testing.T) {
	w := newWorld(t, newRevision("hello-1", digestA), newApp("hello-1"), newNode("1"))
	w.refuse = apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "x", errors.New("exceeded quota"))
	w.want("refused")
	w.want("not tried again")
	if w.writes != 2 {
		t.Errorf("%d writes, want a try and a record of it", w.writes)
	}
	w.wantEvent(`pods "x" is forbidden: exceeded quota`)
}

// wantEvent wants one event.
func (w *world) wantEvent(reason string) {
	w.Helper()
	want := "Warning PrePullFailed the image could not be pulled onto node node-1 in advance, so the first pod there will have to: " + reason
	if len(w.events.Events) != 1 {
		w.Fatalf("%d events", len(w.events.Events))
	}
	if got := <-w.events.Events; got != want {
		w.Errorf("event %q, want %q", got, want)
	}
}

// TestPodsOfOthers: a label makes no pull pod; what has only that is left alone
// and holds no place.
func TestPodsOfOthers(t *testing.T) {
	rev := newRevision("hello-1", digestA)
	objects := []client.Object{rev, newApp("hello-1"), newNode("0")}
	for n := range maxPulls {
		node := newNode(fmt.Sprint(n))
		pod := podFor(Pull{Revision: rev, Node: node}, "registry/park")
		pod.Name, pod.OwnerReferences = fmt.Sprint("stranger-", n), nil
		objects = append(objects, pod)
	}
	w := newWorld(t, objects...)
	if got := w.look(); w.writes != 1 || got[0] != "hello-1-pull-00000000" || len(got) != maxPulls+1 {
		t.Errorf("%d writes, and then the pods %v", w.writes, got)
	}
}

// TestRecord: pulls that end together are all recorded, and what is recorded has
// a bound.
func TestRecord(t *testing.T) {
	rev := newRevision("hello-1", digestA)
	rev.Annotations = map[string]string{annotationPulledOn: "0" + strings.Repeat(" 33333333", maxRecorded-1)}
	w := newWorld(t, rev, newApp("hello-1"), newNode("1"), newNode("2"), newNode("3"))
	for _, name := range w.look() {
		w.kubelet(name, ended)
	}
	w.want("both are done")
	if err := w.api.Get(t.Context(), client.ObjectKeyFromObject(rev), rev); err != nil {
		t.Fatal(err)
	}
	on := strings.Fields(rev.Annotations[annotationPulledOn])
	if n := len(on); n != maxRecorded || on[0] != "33333333" || on[n-2] != "11111111" || on[n-1] != "22222222" {
		t.Errorf("%d nodes are recorded, from %s to %v", n, on[0], on[n-2:])
	}
}

// TestNoImageVolumes: where the API server drops them, the puller stops, and
// leaves nothing behind.
func TestNoImageVolumes(t *testing.T) {
	w := newWorld(t, newRevision("hello-1", digestA), newApp("hello-1"), newNode("1"))
	w.old = true
	if err := w.r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var pods corev1.PodList
	if err := w.api.List(t.Context(), &pods); err != nil || len(pods.Items) > 0 {
		t.Errorf("%v, and %d pods are left", err, len(pods.Items))
	}
}
