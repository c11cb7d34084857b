//go:build integration

package integration

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/headway-dev/headway/api/apply"
)

// The field managers of the two writers.
const (
	watcher    = apply.Watcher
	controller = apply.Reconcilers
)

// applyAs sends exactly o, as the given manager.
func applyAs(t *testing.T, o *unstructured.Unstructured, as client.FieldOwner) error {
	t.Helper()
	return api.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(o.DeepCopy()), as)
}

func mustApply(t *testing.T, o *unstructured.Unstructured, as client.FieldOwner) {
	t.Helper()
	if err := applyAs(t, o, as); err != nil {
		t.Fatalf("applying %s %s as %s: %v", o.GetKind(), o.GetName(), as, err)
	}
}

func mustApplyStatus(t *testing.T, o *unstructured.Unstructured, as client.FieldOwner) {
	t.Helper()
	err := api.Status().Apply(t.Context(), client.ApplyConfigurationFromUnstructured(o.DeepCopy()), as)
	if err != nil {
		t.Fatalf("applying the status of %s %s as %s: %v", o.GetKind(), o.GetName(), as, err)
	}
}

// wantField reads o again and compares one dotted path; nil means absent.
func wantField(t *testing.T, o *unstructured.Unstructured, path string, want any) {
	t.Helper()
	seen := o.DeepCopy()
	if err := api.Get(t.Context(), client.ObjectKeyFromObject(o), seen); err != nil {
		t.Fatalf("reading %s %s: %v", o.GetKind(), o.GetName(), err)
	}
	got, _, err := unstructured.NestedFieldNoCopy(seen.Object, strings.Split(path, ".")...)
	if err != nil {
		t.Fatalf("reading %s: %v", path, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func head(ref, revision string) any {
	return map[string]any{"ref": ref, "commit": commit, "revision": revision}
}

func condition(kind, status, reason string) map[string]any {
	return map[string]any{
		"type": kind, "status": status, "reason": reason, "message": "",
		"lastTransitionTime": "2026-01-01T00:00:00Z",
	}
}

// TestWatcherOwnsSpec: what the watcher no longer applies goes away, what the
// controller wrote stays, and the controller cannot take a field of the spec.
func TestWatcherOwnsSpec(t *testing.T) {
	ns := namespace(t)
	both := in(ns, app(fields{
		"spec.pin":   "shop-1a2b3c4d",
		"spec.heads": []any{head("refs/heads/main", "shop-1a2b3c4d"), head("refs/heads/beta", "shop-5e6f7081")},
	}))
	mustApply(t, both, watcher)
	mustApplyStatus(t, in(ns, object("App", "shop", fields{"status.url": "http://shop.localhost:8080"})), controller)

	steal := in(ns, object("App", "shop", fields{"spec.pin": "shop-5e6f7081"}))
	err := applyAs(t, steal, controller)
	if !apierrors.IsConflict(err) || !strings.Contains(err.Error(), string(watcher)) {
		t.Errorf("the controller applying spec.pin got %v, want a conflict with %s", err, watcher)
	}

	one := in(ns, app(fields{"spec.heads": []any{head("refs/heads/main", "shop-1a2b3c4d")}}))
	mustApply(t, one, watcher)
	wantField(t, one, "spec.heads", []any{head("refs/heads/main", "shop-1a2b3c4d")})
	wantField(t, one, "spec.pin", nil)
	wantField(t, one, "status.url", "http://shop.localhost:8080")
}

// TestApplyIsQuiet: applying the same again must not wake every watch.
func TestApplyIsQuiet(t *testing.T) {
	ns := namespace(t)
	for _, o := range []*unstructured.Unstructured{
		repository(nil), app(fields{"spec.history": []any{"shop-1a2b3c4d"}}), revision(nil),
		route(fields{"spec.traffic": split("a", 100)}),
	} {
		mustApply(t, in(ns, o), watcher)
		first := o.DeepCopy()
		if err := api.Get(t.Context(), client.ObjectKeyFromObject(o), first); err != nil {
			t.Fatal(err)
		}
		mustApply(t, o, watcher)
		wantField(t, o, "metadata.resourceVersion", first.GetResourceVersion())
		wantField(t, o, "metadata.generation", int64(1))
	}
}

// TestTrafficMovesInOneWrite: the split is replaced as a whole, so that no
// reader ever sees weights of two plans.
func TestTrafficMovesInOneWrite(t *testing.T) {
	ns := namespace(t)
	mustApply(t, in(ns, route(fields{"spec.traffic": split("old", 100)})), controller)
	next := in(ns, route(fields{"spec.traffic": split("new", 100)}))
	mustApply(t, next, controller)
	wantField(t, next, "spec.traffic", split("new", 100))
	wantField(t, next, "metadata.generation", int64(2))
}

// TestConditionsMerge: conditions are a map by type; two writers do not wipe
// each other's.
func TestConditionsMerge(t *testing.T) {
	ns := namespace(t)
	rev := in(ns, revision(nil))
	mustApply(t, rev, watcher)
	built, ready := condition("Built", "True", "BuildSucceeded"), condition("Ready", "False", "Starting")
	with := func(c map[string]any) *unstructured.Unstructured {
		return in(ns, object("Revision", rev.GetName(), fields{
			"status.conditions": []any{c}, "status.replicas": int64(0),
		}))
	}
	mustApplyStatus(t, with(built), controller)
	mustApplyStatus(t, with(ready), "another-writer")
	wantField(t, rev, "status.conditions", []any{built, ready})
	ready = condition("Ready", "True", "Running")
	mustApplyStatus(t, with(ready), "another-writer")
	wantField(t, rev, "status.conditions", []any{built, ready})
}

// TestStatusIsASubresource: a write of the object leaves the status alone and a
// write of the status leaves the spec alone.
func TestStatusIsASubresource(t *testing.T) {
	for _, tt := range []struct {
		object      *unstructured.Unstructured
		spec        string
		before, now any
	}{
		{repository(nil), "spec.interval", "30s", "1m"},
		{app(nil), "spec.path", "headway.yaml", "services/shop/headway.yaml"},
		{route(nil), "spec.app", "shop", "other"},
		{revision(nil), "spec.commit", commit, strings.Repeat("f", 40)},
	} {
		t.Run(tt.object.GetKind(), func(t *testing.T) {
			o := in(namespace(t), tt.object)
			create(t, o)
			generation := fields{"status.observedGeneration": int64(7), "status.replicas": int64(0)}
			if o.GetKind() != "Revision" {
				generation = fields{"status.observedGeneration": int64(7)}
			}

			o = written(t, o, generation, func(o *unstructured.Unstructured) error { return api.Update(t.Context(), o) })
			wantField(t, o, "status.observedGeneration", nil)

			both := generation
			both[tt.spec] = tt.now
			o = written(t, o, both, func(o *unstructured.Unstructured) error { return api.Status().Update(t.Context(), o) })
			wantField(t, o, "status.observedGeneration", int64(7))
			wantField(t, o, tt.spec, tt.before)
		})
	}
}

// written sets fields on a copy of o and writes it.
func written(t *testing.T, o *unstructured.Unstructured, f fields, write func(*unstructured.Unstructured) error) *unstructured.Unstructured {
	t.Helper()
	next := o.DeepCopy()
	set(next, f)
	if err := write(next); err != nil {
		t.Fatalf("writing %v: %v", f, err)
	}
	return next
}
