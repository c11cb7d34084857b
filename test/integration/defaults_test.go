//go:build integration

package integration

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestDefaults shows what the API server adds to the least that is accepted.
func TestDefaults(t *testing.T) {
	ns := namespace(t)
	for _, tt := range []struct {
		object *unstructured.Unstructured
		want   fields
	}{
		{repository(nil), fields{"productionBranch": "main", "interval": "30s"}},
		{revision(nil), fields{
			"port": int64(8080), "timeout": "60s",
			"scale": scale(0),
		}},
		{revision(fields{"metadata.name": "partly", "spec.scale.min": int64(3)}), fields{
			"scale": scale(3),
		}},
		{channel(nil), fields{"keep": "168h", "size": "1Gi", "maxEvent": int64(1048576), "dedupe": "10m"}},
		{subscription(nil), fields{
			"timeout": "30s", "from": "now",
			"retry": map[string]any{"for": "24h", "first": "1s", "max": "10m"},
		}},
		{subscription(fields{"metadata.name": "once", "spec.retry.for": "1h"}), fields{
			"retry": map[string]any{"for": "1h", "first": "1s", "max": "10m"},
		}},
	} {
		t.Run(tt.object.GetKind()+" "+tt.object.GetName(), func(t *testing.T) {
			create(t, in(ns, tt.object))
			spec := tt.object.Object["spec"].(map[string]any)
			for key, want := range tt.want {
				if diff := cmp.Diff(want, spec[key]); diff != "" {
					t.Errorf("spec.%s (-want +got):\n%s", key, diff)
				}
			}
		})
	}
}

// scale is spec.scale when only min is given.
func scale(least int64) map[string]any {
	return map[string]any{
		"min": least, "max": int64(20), "limit": int64(0),
		"concurrency": int64(80), "rps": int64(0), "idle": "30s", "standby": int64(0),
	}
}

// TestTypedDefaults creates with the Go types, whose zero values must mean
// "use the default" too.
func TestTypedDefaults(t *testing.T) {
	ns := namespace(t)
	repo := &v1alpha1.Repository{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "shop"},
		Spec:       v1alpha1.RepositorySpec{URL: "https://git.example.com/shop.git"},
	}
	if err := api.Create(t.Context(), repo); err != nil {
		t.Fatalf("creating a Repository with only a url: %v", err)
	}
	rev := &v1alpha1.Revision{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "shop-1a2b3c4d"},
		Spec: v1alpha1.RevisionSpec{
			App: "shop", Repository: "shop", Ref: "refs/heads/main", Commit: commit,
			Source: v1alpha1.CodeSource{Key: "k", Path: ".", SpecHash: "h"},
			Build:  &v1alpha1.Build{Template: "go"},
		},
	}
	if err := api.Create(t.Context(), rev); err != nil {
		t.Fatalf("creating a Revision with only its source: %v", err)
	}
	orders := &v1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "orders"}}
	if err := api.Create(t.Context(), orders); err != nil {
		t.Fatalf("creating a Channel with nothing: %v", err)
	}
	mail := &v1alpha1.Subscription{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "shop-mail"},
		Spec:       v1alpha1.SubscriptionSpec{Channel: "orders", To: v1alpha1.EventTarget{App: "shop"}},
	}
	if err := api.Create(t.Context(), mail); err != nil {
		t.Fatalf("creating a Subscription with only a channel and an app: %v", err)
	}
	if orders.Spec.Keep.Duration != v1alpha1.DefaultKeep || orders.Spec.Size.String() != v1alpha1.DefaultSize || mail.Spec.Retry.For.Duration != v1alpha1.DefaultRetryFor {
		t.Errorf("got %+v and %+v, want the defaults", orders.Spec, mail.Spec)
	}
	type defaults struct {
		Interval, Timeout string
		Port, Max         int32
	}
	got := defaults{repo.Spec.Interval.Duration.String(), rev.Spec.Timeout.Duration.String(), rev.Spec.Port, rev.Spec.Scale.Max}
	if diff := cmp.Diff(defaults{"30s", "1m0s", 8080, 20}, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

// TestAccepts keeps the rules from refusing what people have.
func TestAccepts(t *testing.T) {
	ns := namespace(t)
	sha256Commit := commit + strings.Repeat("0", 24)
	for _, tt := range []struct {
		name   string
		object func(fields) *unstructured.Unstructured
		with   fields
	}{
		{"https url", repository, fields{"spec.url": "https://github.com/acme/shop"}},
		{"http url with port", repository, fields{"spec.url": "http://git.example.com:3000/acme/shop.git"}},
		{"ssh url", repository, fields{"spec.url": "ssh://git@example.com:2222/acme/shop.git"}},
		{"scp-like url", repository, fields{"spec.url": "git@github.com:acme/shop.git"}},
		{"at sign in path", repository, fields{"spec.url": "https://example.com/@acme/shop.git"}},
		{"url of an ipv6 address", repository, fields{"spec.url": "https://[2001:db8::1]:8443/acme/shop.git"}},
		{"globs of refs", repository, fields{"spec.refs": []any{
			"beta", "*", "release/**", "**/stable", "v[0-9]*", "[^a]?c", "refs/tags/v*", "refs/**", "fix/a-b_c.d@1!",
		}}},
		{"shortest interval", repository, fields{"spec.interval": "1s"}},
		{"longest name", repository, fields{"metadata.name": strings.Repeat("a", 40)}},
		{"sha256 commit", revision, fields{"spec.commit": sha256Commit}},
		{"image by digest", revision, fields{"spec.build": nil, "spec.image": digestOne}},
		{"longest timeout", revision, fields{"spec.timeout": "1h"}},
		{"equal bounds", revision, fields{"spec.scale.min": int64(4), "spec.scale.max": int64(4)}},
		{"standby at max", revision, fields{"spec.scale.standby": int64(4), "spec.scale.max": int64(4)}},
		{"empty value", revision, fields{"spec.env": []any{map[string]any{"name": "A"}}}},
		{"no traffic", route, nil},
		{"longest channel name", channel, fields{"metadata.name": strings.Repeat("a", 63)}},
		{"smallest channel", channel, fields{"spec.keep": "1m", "spec.size": "1Mi", "spec.maxEvent": int64(65536), "spec.dedupe": "0s"}},
		{"longest kept channel", channel, fields{"spec.keep": "8760h", "spec.size": int64(1 << 40), "spec.dedupe": "24h"}},
		{"events to a channel", subscription, fields{"spec.to": map[string]any{"channel": "big"}, "spec.from": "earliest"}},
		{"events to a url", subscription, fields{"spec.to": map[string]any{"url": "https://example.com:8443/a?b=c"}, "spec.from": "2026-05-04T12:00:00.5+02:00"}},
		{"nested filters", subscription, fields{"spec.to.path": "/events", "spec.filter": map[string]any{
			"any": []any{map[string]any{"exact": map[string]any{"type": "a"}}, map[string]any{"not": map[string]any{"cesql": "amount > 100"}}}}}},
		{"three-way split", route, fields{"spec.traffic": split("a", 34, "b", 33, "c", 33)}},
		{"warm at zero", route, fields{"spec.traffic": split("a", 100, "b", 0)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := in(ns, tt.object(tt.with))
			if _, named := tt.with["metadata.name"]; !named {
				o.SetName(strings.ReplaceAll(tt.name, " ", "-"))
			}
			create(t, o)
		})
	}
}
