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
			Source: v1alpha1.Source{Key: "k", Path: ".", SpecHash: "h"},
			Build:  &v1alpha1.Build{Template: "go"},
		},
	}
	if err := api.Create(t.Context(), rev); err != nil {
		t.Fatalf("creating a Revision with only its source: %v", err)
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
		{"three-way split", route, fields{"spec.traffic": split("a", 34, "b", 33, "c", 33)}},
		{"warm at zero", route, fields{"spec.traffic": split("a", 100, "b", 0)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := in(ns, tt.object(tt.with))
			if o.GetName() == "shop" || o.GetName() == "shop-1a2b3c4d" {
				o.SetName(strings.ReplaceAll(tt.name, " ", "-"))
			}
			create(t, o)
		})
	}
}
