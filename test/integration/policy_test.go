//go:build integration

package integration

import (
	"fmt"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// asTenant is a client of somebody who may do everything in one namespace.
func asTenant(t *testing.T, ns string) client.Client {
	t.Helper()
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "tenant"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: "tenant"}},
	}
	if err := api.Create(t.Context(), binding); err != nil {
		t.Fatal(err)
	}
	config := rest.CopyConfig(server)
	config.Impersonate = rest.ImpersonationConfig{UserName: "tenant"}
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestWhoWritesWhatFollowsFromGit asks the real API server with the manifests that
// are installed.
func TestWhoWritesWhatFollowsFromGit(t *testing.T) {
	installed(t, "policy.yaml")
	ns := namespace(t)
	tenant := asTenant(t, ns)
	clients := map[string]client.Client{"tenant": tenant}
	for _, program := range []string{"headway-watcher", "headway-controller", "headway-autoscaler"} {
		c, err := clientAs(program)
		if err != nil {
			t.Fatal(err)
		}
		clients[program] = c
	}
	shop := in(ns, app(nil))
	rev := in(ns, revision(nil))
	hosts := in(ns, route(nil))
	const derived, marks = "are written by Headway alone", "not its spec"
	eventually(t, "the policy is in force", func() error {
		if err := tenant.Create(t.Context(), rev.DeepCopy(), client.DryRunAll); err == nil || !strings.Contains(err.Error(), derived) {
			return fmt.Errorf("a Revision by a tenant: %w", err)
		}
		return nil
	})
	for _, o := range []client.Object{shop, rev} {
		if err := clients["headway-watcher"].Create(t.Context(), o); err != nil {
			t.Fatalf("by the watcher: %v", err)
		}
	}
	if err := clients["headway-controller"].Create(t.Context(), hosts); err != nil {
		t.Fatalf("by the controller: %v", err)
	}
	patch := func(by string, o client.Object, change string) error {
		return clients[by].Patch(t.Context(), o.DeepCopyObject().(client.Object), client.RawPatch(types.MergePatchType, []byte(change)))
	}
	status := func(by string, o client.Object, change string) error {
		return clients[by].Status().Patch(t.Context(), o.DeepCopyObject().(client.Object), client.RawPatch(types.MergePatchType, []byte(change)))
	}
	const annotation = `{"metadata":{"annotations":{"a":"b"}}}`
	for _, tc := range []struct {
		name string
		err  error
		want string // empty: it may; "-": RBAC refuses it
	}{
		{"a Route's host by a tenant", patch("tenant", hosts, `{"spec":{"hosts":["bank.localhost"]}}`), derived},
		{"a Route by a tenant", tenant.Create(t.Context(), in(ns, route(fields{"metadata.name": "mine"}))), derived},
		{"a Revision's status by a tenant", status("tenant", rev, `{"status":{"image":"registry.example.com/evil@sha256:`+strings.Repeat("a", 64)+`"}}`), derived},
		{"a Revision's annotation by a tenant", patch("tenant", rev, annotation), ""},
		{"a Revision's annotation by the controller", patch("headway-controller", rev, annotation), ""},
		{"an App's spec by the controller", patch("headway-controller", shop, `{"spec":{"path":"elsewhere"}}`), marks},
		{"an App's annotation by the controller", patch("headway-controller", shop, annotation), ""},
		{"a Revision by the controller", clients["headway-controller"].Create(t.Context(), rev.DeepCopy()), "-"},
		{"a Route's annotation by the watcher", patch("headway-watcher", hosts, annotation), "-"},
		{"a Revision's status by the watcher", status("headway-watcher", rev, `{"status":{"everReady":true}}`), "-"},
		{"a Revision's status by the controller", status("headway-controller", rev, `{"status":{"everReady":true}}`), ""},
		{"its scaling by the controller", status("headway-controller", rev, `{"status":{"scaling":{"from":0,"to":1,"reason":"x","at":"2026-01-01T00:00:00.000000Z"}}}`), "by the autoscaler alone"},
		{"the end of a Route by a tenant", tenant.Delete(t.Context(), hosts.DeepCopy()), ""},
		{"the end of a Revision by a tenant", tenant.Delete(t.Context(), rev.DeepCopy()), ""},
	} {
		switch {
		case tc.want == "" && tc.err != nil:
			t.Errorf("%s: %v", tc.name, tc.err)
		case tc.want == "-" && !apierrors.IsForbidden(tc.err):
			t.Errorf("%s: %v, want a refusal", tc.name, tc.err)
		case tc.want != "" && tc.want != "-" && (!apierrors.IsForbidden(tc.err) || !strings.Contains(tc.err.Error(), tc.want)):
			t.Errorf("%s: %v, want a refusal with %q", tc.name, tc.err, tc.want)
		}
	}
}
