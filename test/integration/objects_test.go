//go:build integration

package integration

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// commit is a full hash, as git prints it.
const commit = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"

// fields are changes of an object by dotted path; nil removes the field. Only
// what is named is sent, so that the server's defaults show.
type fields map[string]any

// repository, app, revision, route, channel and subscription are the least that
// the API accepts.
func repository(change fields) *unstructured.Unstructured {
	return object("Repository", "shop", fields{"spec.url": "https://git.example.com/shop.git"}, change)
}

func app(change fields) *unstructured.Unstructured {
	return object("App", "shop", fields{
		"spec.repository":    "shop",
		"spec.path":          "headway.yaml",
		"spec.productionRef": "refs/heads/main",
	}, change)
}

func revision(change fields) *unstructured.Unstructured {
	return object("Revision", "shop-1a2b3c4d", fields{
		"spec.app":             "shop",
		"spec.repository":      "shop",
		"spec.ref":             "refs/heads/main",
		"spec.commit":          commit,
		"spec.source.key":      "k",
		"spec.source.path":     ".",
		"spec.source.digest":   "sha256:" + strings.Repeat("0", 64),
		"spec.source.specHash": "h",
		"spec.build.template":  "go",
		// Each is settled at once, so that a test sees one at a time.
		"spec.health.hold":   "0s",
		"spec.health.settle": "0s",
	}, change)
}

func route(change fields) *unstructured.Unstructured {
	return object("Route", "shop", fields{
		"spec.app":   "shop",
		"spec.hosts": []any{"shop.localhost"},
	}, change)
}

func channel(change fields) *unstructured.Unstructured {
	return object("Channel", "orders", fields{"spec": map[string]any{}}, change)
}

func subscription(change fields) *unstructured.Unstructured {
	return object("Subscription", "shop-orders", fields{
		"spec.channel": "orders",
		"spec.to.app":  "shop",
	}, change)
}

func eventSource(change fields) *unstructured.Unstructured {
	return object("Source", "nightly", fields{
		"spec.channel":       "orders",
		"spec.cron.schedule": "0 3 * * *",
	}, change)
}

func object(kind, name string, all ...fields) *unstructured.Unstructured {
	o := &unstructured.Unstructured{Object: map[string]any{}}
	o.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	o.SetName(name)
	for _, f := range all {
		set(o, f)
	}
	return o
}

// set changes o; a path that a value stands on is a mistake in the test.
func set(o *unstructured.Unstructured, f fields) {
	for path, value := range f {
		keys := strings.Split(path, ".")
		if value == nil {
			unstructured.RemoveNestedField(o.Object, keys...)
			continue
		}
		if err := unstructured.SetNestedField(o.Object, runtime.DeepCopyJSONValue(value), keys...); err != nil {
			panic(err)
		}
	}
}

// in puts o into a namespace.
func in(ns string, o *unstructured.Unstructured) *unstructured.Unstructured {
	o.SetNamespace(ns)
	return o
}

func create(t *testing.T, o *unstructured.Unstructured) {
	t.Helper()
	if err := api.Create(t.Context(), o); err != nil {
		t.Fatalf("creating %s %s: %v", o.GetKind(), o.GetName(), err)
	}
}
