package repo

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// add runs repo add's flags against a cluster, without the network part.
func add(t *testing.T, c *cli.Cluster, url, stdin string, args ...string) (*v1alpha1.Repository, error) {
	t.Helper()
	var f addFlags
	var got *v1alpha1.Repository
	cmd := &cobra.Command{Use: "add", SilenceErrors: true, SilenceUsage: true, RunE: func(cmd *cobra.Command, _ []string) error {
		secrets, err := f.secrets(strings.NewReader(stdin), url)
		if err != nil {
			return err
		}
		got, err = f.apply(cmd.Context(), c, cmd, url, secrets)
		return err
	}}
	f.bind(cmd.Flags())
	cmd.SetArgs(append([]string{"--name", "shop"}, args...))
	return got, cmd.ExecuteContext(context.Background())
}

func TestRepoAddWritesSecretAndRepository(t *testing.T) {
	c := &cli.Cluster{Client: fake.NewClientBuilder().WithScheme(cli.Scheme()).Build(), Namespace: "team"}
	const url = "https://git.example.com/acme/shop.git"
	first, err := add(t, c, url, "pw1\n", "--username", "ci", "--password-stdin", "--interval", "5s", "--ref", "release/*")
	if err != nil {
		t.Fatal(err)
	}
	secret := getSecret(t, c)
	want := map[string][]byte{"username": []byte("ci"), "password": []byte("pw1")}
	if diff := cmp.Diff(want, secret.Data); diff != "" {
		t.Error(diff)
	}
	if len(secret.OwnerReferences) != 1 || secret.OwnerReferences[0].Name != "shop" || secret.OwnerReferences[0].Kind != "Repository" {
		t.Errorf("the secret would outlive the repository: %+v", secret.OwnerReferences)
	}
	if first.Spec.SecretRef.Name != secret.Name || first.Spec.ProductionBranch != "main" || first.Spec.Interval.Duration != 5*time.Second {
		t.Errorf("spec = %+v", first.Spec)
	}

	// Again, with another password: only what was given changes, and a sync is
	// asked for, as nothing else would tell the watcher.
	second, err := add(t, c, url, "pw2", "--username", "ci", "--password-stdin", "--branch", "prod")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(getSecret(t, c).Data["password"]); got != "pw2" {
		t.Errorf("password = %q", got)
	}
	if second.Spec.ProductionBranch != "prod" || second.Spec.Interval.Duration != 5*time.Second || len(second.Spec.Refs) != 1 {
		t.Errorf("spec = %+v", second.Spec)
	}
	if a := v1alpha1.AnnotationSyncRequestedAt; second.Annotations[a] == "" || second.Annotations[a] == first.Annotations[a] {
		t.Errorf("no new sync asked for: %v", second.Annotations)
	}

	if _, err := add(t, c, "https://elsewhere.example.com/shop.git", ""); err == nil || !strings.Contains(err.Error(), "of "+url) {
		t.Errorf("another URL under the same name: %v", err)
	}
}

func TestRepoAddLeavesOthersSecretsAlone(t *testing.T) {
	foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop-git", CreationTimestamp: metav1.NewTime(noon)},
		Data: map[string][]byte{"x": []byte("y")}}
	c := &cli.Cluster{Client: fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(foreign).Build(), Namespace: "team"}
	if _, err := add(t, c, "https://git.example.com/shop.git", "t", "--token-stdin"); err == nil {
		t.Error("a secret that somebody else made was taken over")
	}
	if got := getSecret(t, c).Data; string(got["x"]) != "y" {
		t.Errorf("data = %v", got)
	}
}

func TestRepoAddLeavesNoSecretBehind(t *testing.T) {
	refuse := interceptor.Funcs{Create: func(ctx context.Context, w client.WithWatch, o client.Object, opts ...client.CreateOption) error {
		if _, ok := o.(*v1alpha1.Repository); ok {
			return errors.New("refused")
		}
		return w.Create(ctx, o, opts...)
	}}
	c := &cli.Cluster{Client: fake.NewClientBuilder().WithScheme(cli.Scheme()).WithInterceptorFuncs(refuse).Build(), Namespace: "team"}
	if _, err := add(t, c, "https://git.example.com/shop.git", "t", "--token-stdin"); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("error = %v", err)
	}
	var l corev1.SecretList
	if err := c.List(context.Background(), &l); err != nil || len(l.Items) != 0 {
		t.Errorf("secrets %v, error %v; want none", l.Items, err)
	}
}

func getSecret(t *testing.T, c *cli.Cluster) *corev1.Secret {
	t.Helper()
	var s corev1.Secret
	if err := c.Get(context.Background(), client.ObjectKey{Namespace: "team", Name: "shop-git"}, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

func TestSyncProgress(t *testing.T) {
	at := func(generation int64, sync string, c ...metav1.Condition) *v1alpha1.Repository {
		return &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Generation: 2},
			Status: v1alpha1.RepositoryStatus{ObservedGeneration: generation, LastHandledSync: sync, Conditions: c}}
	}
	ready := func(status metav1.ConditionStatus, reason, message string) metav1.Condition {
		return metav1.Condition{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, Message: message}
	}
	for _, c := range []struct {
		name string
		r    *v1alpha1.Repository
		text string
		done bool
	}{
		{"not seen", at(0, ""), "waiting for the watcher", false},
		{"still about the last look", at(2, "old", ready("True", v1alpha1.ReasonSynced, "x")), "", false},
		{"still about the last spec", at(1, "now", ready("False", v1alpha1.ReasonUnreachable, "x")), "", false},
		{"on its way", at(1, "", ready("Unknown", v1alpha1.ReasonFetching, "fetching main")), "Fetching: fetching main", false},
		{"done", at(2, "now", ready("True", v1alpha1.ReasonSynced, "at 1a2b3c4d")), "Synced: at 1a2b3c4d", true},
		{"failed", at(2, "now", ready("False", v1alpha1.ReasonBranchNotFound, "no main")), "BranchNotFound: no main", true},
	} {
		if text, done := syncProgress(c.r, "now"); text != c.text || done != c.done {
			t.Errorf("%s: %q, %v; want %q, %v", c.name, text, done, c.text, c.done)
		}
	}
}

func TestSyncOutcome(t *testing.T) {
	r := &v1alpha1.Repository{Status: v1alpha1.RepositoryStatus{Apps: []v1alpha1.RepositoryApp{
		{Path: "a/headway.yaml", Name: "a"}, {Path: "b/headway.yaml", Error: "b/headway.yaml:1:1: no"},
	}}}
	var out, err bytes.Buffer
	if got := syncOutcome(cli.Streams{Out: &out, Err: &err}, r); !errors.Is(got, cli.ErrReported) {
		t.Errorf("error = %v", got)
	}
	if out.String() != "app a (a/headway.yaml)\n" || err.String() != "b/headway.yaml:1:1: no\n" {
		t.Errorf("out %q, err %q", &out, &err)
	}
}

func TestNameOfRepository(t *testing.T) {
	for url, want := range map[string]string{
		"https://git.example.com/acme/Shop.git": "shop",
		"https://git.example.com/acme/shop/":    "shop",
		"git@git.example.com:shop.git":          "shop",
		"ssh://git@git.example.com/a/My_Shop":   "my-shop",
	} {
		if got := cli.Name(lastPart(url), maxName); got != want {
			t.Errorf("name of %s = %q, want %q", url, got, want)
		}
	}
}
