package repo

import (
	"context"
	"strings"
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// TestRepoAddAfterRemove: repo remove returns while the Repository, and the
// Secret that goes with it, are still there.
func TestRepoAddAfterRemove(t *testing.T) {
	const url = "https://git.example.com/acme/shop.git"
	leaving := &v1alpha1.Repository{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop", UID: "removed", Finalizers: []string{v1alpha1.FinalizerCleanup}},
		Spec:       v1alpha1.RepositorySpec{URL: url, ProductionBranch: "old"}}
	left := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop-git", UID: "left behind",
		CreationTimestamp: metav1.NewTime(noon), Labels: map[string]string{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: v1alpha1.GroupVersion.String(), Kind: "Repository", Name: "shop", UID: "removed"}}}}
	looks := 0
	watcher := interceptor.Funcs{Get: func(ctx context.Context, w client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
		err := w.Get(ctx, key, o, opts...)
		if r, ok := o.(*v1alpha1.Repository); ok && err == nil {
			if looks++; looks == 2 { // what the watcher does meanwhile
				gone := r.DeepCopy()
				gone.Finalizers = nil
				if err := w.Update(ctx, gone); err != nil {
					t.Error(err)
				}
			}
		}
		return err
	}}
	kube := fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(leaving, left).WithInterceptorFuncs(watcher).Build()
	if err := kube.Delete(t.Context(), leaving); err != nil {
		t.Fatal(err)
	}
	c := &cli.Cluster{Client: kube, Namespace: "team"}
	added, err := add(t, c, url, "token", "--token-stdin")
	if err != nil {
		t.Fatal(err)
	}
	if added.UID == "removed" || added.Spec.ProductionBranch != "main" {
		t.Errorf("the Repository that is going was changed: %+v", added.Spec)
	}
	// The collector deletes what has the UID that it knows.
	secret := getSecret(t, c)
	if secret.UID == left.UID || string(secret.Data["token"]) != "token" {
		t.Errorf("the Secret that is going was taken: %s", secret.UID)
	}
	if looks != 2 {
		t.Errorf("looked %d times, want a wait", looks)
	}
}

// TestRepoAddBesideTheWatcher: the watcher writes to the Repository between
// reading and writing it.
func TestRepoAddBesideTheWatcher(t *testing.T) {
	const url = "https://git.example.com/acme/shop.git"
	there := &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop"}, Spec: v1alpha1.RepositorySpec{URL: url, ProductionBranch: "main"}}
	watcher := interceptor.Funcs{Get: func(ctx context.Context, w client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
		err := w.Get(ctx, key, o, opts...)
		if r, ok := o.(*v1alpha1.Repository); ok && err == nil && len(r.Finalizers) == 0 {
			touched := r.DeepCopy()
			touched.Finalizers = []string{v1alpha1.FinalizerCleanup}
			if err := w.Update(ctx, touched); err != nil {
				t.Error(err)
			}
		}
		return err
	}}
	c := &cli.Cluster{Client: fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(there).WithInterceptorFuncs(watcher).Build(), Namespace: "team"}
	added, err := add(t, c, url, "", "--branch", "prod")
	if err != nil {
		t.Fatal(err)
	}
	if added.Spec.ProductionBranch != "prod" || !strings.Contains(strings.Join(added.Finalizers, " "), v1alpha1.FinalizerCleanup) {
		t.Errorf("branch %s, finalizers %v; want both writes", added.Spec.ProductionBranch, added.Finalizers)
	}
}

func TestAppsOf(t *testing.T) {
	app := func(name, repository string, preview *v1alpha1.Preview) v1alpha1.App {
		return v1alpha1.App{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.AppSpec{Repository: repository, Preview: preview}}
	}
	names, previews := appsOf([]v1alpha1.App{app("shop", "mono", nil), app("shop-pr-1", "mono", &v1alpha1.Preview{}), app("blog", "other", nil),
		app("shop-pr-2", "mono", &v1alpha1.Preview{}), app("blog-pr-1", "other", &v1alpha1.Preview{})}, "mono")
	if len(names) != 1 || names[0] != "shop" || previews != 2 {
		t.Errorf("%v and %d previews, want shop and 2", names, previews)
	}
}
