package revision

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/headway-dev/headway/api/condition"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/pipelines"
	"github.com/headway-dev/headway/reconciler/index"
	"github.com/headway-dev/headway/reconciler/probe"
)

// These tests are about the shell around the plan: what is asked of others, and
// what their errors lead to. The plan itself has tables; the API server's part
// is in test/integration.

// bench is a Reconciler with everything around it played by the test.
type bench struct {
	*Reconciler
	t         *testing.T
	registry  error
	found     string
	createErr error
	applyErr  map[string]error // by name of the object

	logReads, configReads int
	removed               []string // images
}

func (b *bench) Find(context.Context, string, string) (string, *v1alpha1.ImageConfig, error) {
	return b.found, &v1alpha1.ImageConfig{User: "1000"}, b.registry
}

func (b *bench) Config(_ context.Context, namespace, _ string) (*v1alpha1.ImageConfig, error) {
	if b.configReads++; namespace != "team" {
		b.t.Errorf("read for namespace %q", namespace)
	}
	return &v1alpha1.ImageConfig{User: "1000", Cmd: []string{"/app"}}, b.registry
}

func (b *bench) Remove(_ context.Context, image string) error {
	b.removed = append(b.removed, image)
	return b.registry
}

func (b *bench) Tail(context.Context, string, string, string) (string, error) {
	b.logReads++
	return "first\nlast\n", nil
}

func (b *bench) Answered(string) time.Duration { return 0 }

func (b *bench) Since(string) time.Time { return time.Time{} }

func (b *bench) Ask(probe.Target, client.ObjectKey) {}

func newBench(t *testing.T, objects ...client.Object) *bench {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme, pipelines.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	b := &bench{t: t}
	builder := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&v1alpha1.Revision{}).
		WithInterceptorFuncs(interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if b.createErr != nil {
				return b.createErr
			}
			return c.Create(ctx, o, opts...)
		}, Apply: func(ctx context.Context, c client.WithWatch, o runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
			if named, ok := o.(interface{ GetName() string }); ok && b.applyErr[named.GetName()] != nil {
				return b.applyErr[named.GetName()]
			}
			return c.Apply(ctx, o, opts...)
		}})
	if err := index.Register(t.Context(), fakeIndexer{builder}); err != nil {
		t.Fatal(err)
	}
	c := builder.Build()
	b.Reconciler = &Reconciler{
		Client: c, Live: c, Metadata: c, Events: events.NewFakeRecorder(100), Images: b, Logs: b, Prober: b, Ports: &fakePorts{},
		Builds: Builds{Registry: "registry/apps", BuildNamespace: "headway-builds", ArtifactURL: "http://artifacts", Slots: 4},
	}
	return b
}

type fakeIndexer struct{ *fake.ClientBuilder }

func (f fakeIndexer) IndexField(_ context.Context, o client.Object, field string, values client.IndexerFunc) error {
	f.WithIndex(o, field, values)
	return nil
}

func (b *bench) reconcile(rev *v1alpha1.Revision) (ctrl.Result, error) {
	return b.Reconcile(b.t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(rev)})
}

// built reconciles without an error and returns the revision and its Built.
func (b *bench) built(rev *v1alpha1.Revision) (*v1alpha1.Revision, condition.State) {
	b.t.Helper()
	if _, err := b.reconcile(rev); err != nil {
		b.t.Fatal(err)
	}
	return b.get(rev)
}

// get returns the revision and its Built.
func (b *bench) get(rev *v1alpha1.Revision) (*v1alpha1.Revision, condition.State) {
	b.t.Helper()
	var got v1alpha1.Revision
	if err := b.Client.Get(b.t.Context(), client.ObjectKeyFromObject(rev), &got); err != nil {
		b.t.Fatal(err)
	}
	return &got, condition.Get(got.Status.Conditions, v1alpha1.ConditionBuilt)
}

func (b *bench) runNames() []string {
	b.t.Helper()
	var runs pipelines.TaskRunList
	if err := b.Client.List(b.t.Context(), &runs); err != nil {
		b.t.Fatal(err)
	}
	var names []string
	for _, run := range runs.Items {
		names = append(names, run.Name)
	}
	return names
}

func TestOneRunPerKey(t *testing.T) {
	rev := newRevision(commitA)
	b := newBench(t, rev, newApp(head(rev)), goTask())
	b.registry = errors.New("registry is down") // no reason not to build
	got, built := b.built(rev)
	want := []string{pipelines.RunName("hello", keyFor(rev, goTemplate(), nil))}
	if diff := cmp.Diff(want, b.runNames()); diff != "" || built.Reason != v1alpha1.ReasonQueued {
		t.Errorf("%s runs (-want +got):\n%s", built.Reason, diff)
	}
	if got.Finalizers[0] != v1alpha1.FinalizerCleanup {
		t.Errorf("finalizers %v", got.Finalizers)
	}
	b.createErr = apierrors.NewAlreadyExists(schema.GroupResource{}, want[0]) // a cache that is behind
	if _, built = b.built(rev); built.Reason != v1alpha1.ReasonQueued {
		t.Errorf("%+v", built)
	}
}

func TestRegistryHasIt(t *testing.T) {
	rev := newRevision(commitA)
	b := newBench(t, rev, newApp(head(rev)), goTask())
	b.found = digest
	got, built := b.built(rev)
	if got.Status.Image != "registry/apps/team/hello@"+digest || built.Reason != v1alpha1.ReasonImageReused || len(b.runNames()) != 0 {
		t.Errorf("image %q, %s, runs %v", got.Status.Image, built.Reason, b.runNames())
	}
}

func TestLogIsReadOnce(t *testing.T) {
	rev := newRevision(commitA)
	b := newBench(t, rev, newApp(head(rev)), goTask(), newRun(rev, 0, broken))
	for range 3 {
		got, built := b.built(rev)
		if diff := cmp.Diff([]string{"first", "last"}, got.Status.Build.LastLogLines); diff != "" || built.Reason != v1alpha1.ReasonBuildFailed {
			t.Errorf("%s, log (-want +got):\n%s", built.Reason, diff)
		}
	}
	if b.logReads != 1 {
		t.Errorf("the log was read %d times", b.logReads)
	}
}

func TestClusterRefusesTheRun(t *testing.T) {
	rev := newRevision(commitA)
	for _, tc := range []struct {
		name    string
		err     error
		message string
		again   time.Duration
		fails   bool
	}{
		{"by policy", apierrors.NewForbidden(schema.GroupResource{Resource: "taskruns"}, "x", errors.New("quota")), "commit aaaaaaaa: Kubernetes refuses it:", time.Minute, false},
		{"no build namespace", apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "headway-builds"), "", 0, true},
		{"out of order", apierrors.NewInternalError(errors.New("webhook is away")), "", 0, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBench(t, rev.DeepCopy(), newApp(head(rev)), goTask())
			b.createErr = tc.err
			result, err := b.reconcile(rev)
			if (err != nil) != tc.fails || result.RequeueAfter != tc.again {
				t.Fatalf("again in %v, error %v", result.RequeueAfter, err)
			}
			if tc.fails {
				return
			}
			if _, built := b.built(rev); !strings.Contains(built.Message, tc.message) || built.Status != metav1.ConditionUnknown {
				t.Errorf("Built = %+v", built)
			}
		})
	}
}

func TestDeletionTakesTheRun(t *testing.T) {
	rev := newRevision(commitA)
	repository := &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: rev.Namespace, Name: rev.Spec.Repository}}
	b := newBench(t, rev, newApp(head(rev)), goTask(), repository)
	got, _ := b.built(rev)
	if err := b.Client.Delete(t.Context(), got); err != nil {
		t.Fatal(err)
	}
	if _, err := b.reconcile(rev); err != nil {
		t.Fatal(err)
	}
	if names := b.runNames(); len(names) != 0 {
		t.Errorf("runs left: %v", names)
	}
	if err := b.Client.Get(t.Context(), client.ObjectKeyFromObject(rev), got); !apierrors.IsNotFound(err) {
		t.Errorf("the revision is still there: %v", err)
	}
	if result, err := b.reconcile(rev); err != nil || result.RequeueAfter != 0 {
		t.Errorf("a revision that is gone: %+v, %v", result, err)
	}
}

func TestSupersededRunIsCancelled(t *testing.T) {
	rev := newRevision(commitA)
	b := newBench(t, rev, appWith(rev, replaced), goTask(), newRun(rev, 0, running))
	if _, built := b.built(rev); built.Reason != v1alpha1.ReasonSuperseded {
		t.Errorf("Built = %+v", built)
	}
	var run pipelines.TaskRun
	if err := b.Client.Get(t.Context(), client.ObjectKey{Namespace: "headway-builds", Name: b.runNames()[0]}, &run); err != nil {
		t.Fatal(err)
	}
	if run.Spec.Status == "" || run.Annotations[annotationSuperseded] == "" || run.Spec.TaskSpec == nil {
		t.Errorf("status %q, annotations %v", run.Spec.Status, run.Annotations)
	}
}
