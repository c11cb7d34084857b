package repo

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// TestRepoAddForge: a forge may be added to a repository that is there, and its
// credentials are a Secret of their own.
func TestRepoAddForge(t *testing.T) {
	c := &cli.Cluster{Client: fake.NewClientBuilder().WithScheme(cli.Scheme()).Build(), Namespace: "team"}
	const url = "https://git.example.com/acme/shop.git"
	if _, err := add(t, c, url, "git-token", "--token-stdin"); err != nil {
		t.Fatal(err)
	}
	r, err := add(t, c, url, "forge-token\n", "--forge", "gitea", "--forge-url", "https://git.example.com/gitea/api/v1", "--forge-token-stdin")
	if err != nil {
		t.Fatal(err)
	}
	want := &v1alpha1.Forge{Type: "gitea", APIURL: "https://git.example.com/gitea/api/v1", SecretRef: &corev1.LocalObjectReference{Name: "shop-forge"}}
	if diff := cmp.Diff(want, r.Spec.Forge); diff != "" || r.Spec.SecretRef.Name != "shop-git" {
		t.Errorf("forge %s, git %v", diff, r.Spec.SecretRef)
	}
	for name, token := range map[string]string{"shop-git": "git-token", "shop-forge": "forge-token"} {
		var s corev1.Secret
		if err := c.Get(context.Background(), client.ObjectKey{Namespace: "team", Name: name}, &s); err != nil {
			t.Fatal(err)
		}
		if string(s.Data["token"]) != token || len(s.OwnerReferences) != 1 {
			t.Errorf("%s: %q, owned by %v", name, s.Data["token"], s.OwnerReferences)
		}
	}

	// Other flags leave it alone; its type alone can change.
	if r, err = add(t, c, url, "", "--branch", "prod"); err != nil || r.Spec.Forge.Type != "gitea" {
		t.Errorf("%+v, %v", r.Spec.Forge, err)
	}
	if r, err = add(t, c, url, "", "--forge", "auto"); err != nil || r.Spec.Forge.Type != "auto" || r.Spec.Forge.SecretRef == nil {
		t.Errorf("%+v, %v", r.Spec.Forge, err)
	}
}

// TestRepoAddLeavesNoSecretOfSeveral: where one of the Secrets cannot be written,
// the others go with the Repository that is not made.
func TestRepoAddLeavesNoSecretOfSeveral(t *testing.T) {
	foreign := &corev1.Secret{}
	foreign.Namespace, foreign.Name = "team", "shop-keys"
	foreign.CreationTimestamp.Time = noon
	c := &cli.Cluster{Client: fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(foreign).Build(), Namespace: "team"}
	if _, err := add(t, c, "https://git.example.com/shop.git", "t", "--token-stdin", "--forge", "auto", "--verify-keys", signers(t)); err == nil {
		t.Error("a secret that somebody else made was taken over")
	}
	var l corev1.SecretList
	if err := c.List(context.Background(), &l); err != nil || len(l.Items) != 1 {
		t.Errorf("%d secrets, %v; want the foreign one", len(l.Items), err)
	}
}

func TestRepoAddVerify(t *testing.T) {
	c := &cli.Cluster{Client: fake.NewClientBuilder().WithScheme(cli.Scheme()).Build(), Namespace: "team"}
	r, err := add(t, c, "https://git.example.com/shop.git", "", "--verify-keys", signers(t), "--verify-who", "any")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&v1alpha1.Verify{Keys: corev1.LocalObjectReference{Name: "shop-keys"}, Who: "any"}, r.Spec.Verify); diff != "" {
		t.Error(diff)
	}
	var s corev1.Secret
	if err := c.Get(context.Background(), client.ObjectKey{Namespace: "team", Name: "shop-keys"}, &s); err != nil || len(s.Data["allowed_signers"]) == 0 {
		t.Errorf("%v, %v", s.Data, err)
	}
}

// signers is a file with a key that nobody has.
func signers(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "allowed signers")
	const line = "ada@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n"
	if err := os.WriteFile(file, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestReadAppKey(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(small)
	if err != nil {
		t.Fatal(err)
	}
	other, err := x509.MarshalPKCS8PrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, kind, data, want string }{
		{"as GitHub makes it", "RSA PRIVATE KEY", string(x509.MarshalPKCS1PrivateKey(small)), ""},
		{"converted", "PRIVATE KEY", string(pkcs8), ""},
		{"of another kind", "PRIVATE KEY", string(other), "is not an RSA private key"},
		{"nothing", "", "", "is not a private key in PEM form"},
	} {
		file := filepath.Join(t.TempDir(), "key.pem")
		var data []byte
		if tc.kind != "" {
			data = pem.EncodeToMemory(&pem.Block{Type: tc.kind, Bytes: []byte(tc.data)})
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readAppKey(file)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
	}
}
