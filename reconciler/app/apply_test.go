package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/reconciler/check"
	"github.com/headway-dev/headway/reconciler/preview"
	"github.com/headway-dev/headway/reconciler/trial"
)

// cluster is an API server in which writes can fail.
type cluster struct {
	*Reconciler
	t       *testing.T
	writes  []string
	failing string // which write does: route or status
}

func newCluster(t *testing.T, objects ...client.Object) *cluster {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t}
	write := func(what string) error {
		c.writes = append(c.writes, what)
		if what == c.failing {
			return errors.New("the API server is away")
		}
		return nil
	}
	api := fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithStatusSubresource(&v1alpha1.App{}, &v1alpha1.Revision{}).
		WithInterceptorFuncs(interceptor.Funcs{
			Apply: func(ctx context.Context, api client.WithWatch, o runtime.ApplyConfiguration, options ...client.ApplyOption) error {
				if err := write("route"); err != nil {
					return err
				}
				return api.Apply(ctx, o, options...)
			},
			SubResourcePatch: func(ctx context.Context, api client.Client, sub string, o client.Object, p client.Patch, options ...client.SubResourcePatchOption) error {
				if err := write(sub); err != nil {
					return err
				}
				return api.SubResource(sub).Patch(ctx, o, p, options...)
			},
		}).Build()
	c.Reconciler = &Reconciler{Client: api, Events: events.NewFakeRecorder(100), Public: public, Trials: trial.New(nil), Checks: check.New(check.Jobs{Client: api}, func(types.NamespacedName) {}), Hooks: &preview.Hooks{Client: api}}
	return c
}

// step decides and writes, and says what was written.
func (c *cluster) step(now time.Time, revisions ...v1alpha1.Revision) (wrote string, err error) {
	c.t.Helper()
	seen := Seen{App: &v1alpha1.App{}, Route: &v1alpha1.Route{}, Revisions: revisions}
	key := client.ObjectKey{Namespace: "default", Name: "hello"}
	if err := c.Client.Get(c.t.Context(), key, seen.App); err != nil {
		c.t.Fatal(err)
	}
	if err := c.Client.Get(c.t.Context(), key, seen.Route); err != nil {
		seen.Route = nil
	}
	c.writes = nil
	err = c.apply(c.t.Context(), seen, PlanFor(seen, public, now))
	return strings.Join(c.writes, " "), err
}

// TestOrderOfWrites: forward, the Route is written before it is said; back, it is
// said before, and the Route is written even if that fails.
func TestOrderOfWrites(t *testing.T) {
	app := newApp("ba")
	c := newCluster(t, app)
	a, b := revision("a", ready, time.Hour), revision("b", starting, 0)
	expect := func(what string, now time.Time, b v1alpha1.Revision, failing, want string) {
		t.Helper()
		c.failing = failing
		got, err := c.step(now, a, b)
		if got != want || (err != nil) != (failing != "") {
			t.Errorf("%s: wrote %q, want %q; error %v", what, got, want, err)
		}
	}
	expect("the first one, the Route cannot be written", start, b, "route", "route")
	expect("the first one", start, b, "", "route status")
	b = revision("b", ready, 0)
	start := start.Add(time.Hour)
	expect("forward, the status cannot be written", start, b, "status", "route status")
	expect("forward", start, b, "", "status")
	b.Status.LastCrash = &v1alpha1.Crash{SeenAt: metav1.NewMicroTime(start.Add(time.Second)), Message: "it crashed"}
	expect("back, nothing can be said", start.Add(2*time.Second), b, "status", "status route")
	expect("back, it is said later", start.Add(3*time.Second), b, "", "status")
	if err := c.Client.Get(t.Context(), client.ObjectKeyFromObject(app), app); err != nil {
		t.Fatal(err)
	}
	if role := app.Status.Revision(name("b")); role == nil || role.Role != v1alpha1.RoleQuarantined {
		t.Errorf("who failed is %+v", role)
	}
}

// TestBackPassesANewerSpec: what fails is said although the App is newer than the
// one that was read; what goes forward waits.
func TestBackPassesANewerSpec(t *testing.T) {
	c := newCluster(t, newApp("ba"))
	a, b := revision("a", ready, time.Hour), revision("b", ready, 0)
	b.Status.LastCrash = &v1alpha1.Crash{SeenAt: metav1.NewMicroTime(start.Add(time.Second)), Message: "it crashed"}
	for _, tc := range []struct {
		failing bool
		refused bool
	}{{false, true}, {true, false}} {
		app := newApp("ba")
		app.ResourceVersion = "1" // not that of the API server
		seen := Seen{App: app, Route: routeTo("ba", ""), Revisions: []v1alpha1.Revision{a, b}}
		app.Status.Revisions = []v1alpha1.RevisionRole{
			{Name: name("b"), Role: v1alpha1.RoleLive, Weight: v1alpha1.Whole, Since: metav1.NewMicroTime(start)},
			{Name: name("a"), Role: v1alpha1.RoleKept, Warm: true, Since: metav1.NewMicroTime(start)},
		}
		if !tc.failing {
			seen.Revisions[1].Status.LastCrash = nil
		}
		err := c.apply(t.Context(), seen, PlanFor(seen, public, start.Add(2*time.Second)))
		if (err != nil) != tc.refused {
			t.Errorf("failing %v: %v", tc.failing, err)
		}
	}
}
