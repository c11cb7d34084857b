package repo

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/watcher/git/gittest"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
)

// gitea answers as one whose token is forge-token, and whose account may push and
// is no administrator.
func gitea(t *testing.T) string {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v1/repos/acme/shop", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"permissions": {"admin": false, "push": true, "pull": true}}`))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("{}"))
	})
	mux.HandleFunc("GET /api/v1/user", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"id": 1, "login": "bot"}`)) })
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Authorization") != "token forge-token" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/api/v1"
}

// TestCheck asks a real git server and a forge.
func TestCheck(t *testing.T) {
	server := gittest.NewHTTP(t)
	repo := gittest.NewRepo(t, server.Root, "acme/shop")
	head := repo.CommitAndPush("first", map[string]string{"index.html": "<p>shop"})
	api := gitea(t)
	secret := func(name string, data map[string]string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name}, StringData: data, Data: bytesOf(data)}
	}
	objects := []client.Object{secret("forge", map[string]string{"token": "forge-token"}), secret("wrong", map[string]string{"token": "s3cret"}), secret("closed", nil),
		secret("keys", map[string]string{"allowed_signers": "ada@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"})}
	c := fake.NewClientBuilder().WithScheme(cli.Scheme()).WithObjects(objects...).WithInterceptorFuncs(interceptor.Funcs{
		Get: func(ctx context.Context, under client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if key.Name == "closed" {
				return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, key.Name, nil)
			}
			return under.Get(ctx, key, o, opts...)
		}}).Build()
	git := "ok git " + server.CloneURL(repo) + " can be read; main is at " + head[:8]
	for _, tc := range []struct {
		name   string
		change func(*v1alpha1.RepositorySpec)
		want   []string
		fails  bool
	}{
		{"git alone", func(*v1alpha1.RepositorySpec) {}, []string{git}, false},
		{"no branch", func(s *v1alpha1.RepositorySpec) { s.ProductionBranch = "live" }, []string{"missing git " + server.CloneURL(repo) + " answers, and has no branch live"}, true},
		{"no secret", func(s *v1alpha1.RepositorySpec) { s.SecretRef = &corev1.LocalObjectReference{Name: "absent"} }, []string{"missing git there is no secret absent in namespace team"}, true},
		{"may not read it", func(s *v1alpha1.RepositorySpec) { s.SecretRef = &corev1.LocalObjectReference{Name: "closed"} }, []string{"unknown git not checked, as you may not read secret closed"}, false},
		{"rights of the forge", func(s *v1alpha1.RepositorySpec) {
			s.Forge = &v1alpha1.Forge{Type: "gitea", APIURL: api, SecretRef: &corev1.LocalObjectReference{Name: "forge"}}
		}, []string{git, "ok forge it is asked as gitea", "ok forge repository: read: it can see which pull requests are open", "missing forge administrator of the repository: needed to see who may approve the commits of forks"}, true},
		{"a token that is refused", func(s *v1alpha1.RepositorySpec) {
			s.Forge = &v1alpha1.Forge{Type: "gitea", APIURL: api, SecretRef: &corev1.LocalObjectReference{Name: "wrong"}}
		}, []string{git, "ok forge it is asked as gitea", "missing forge "}, true},
		{"signatures", func(s *v1alpha1.RepositorySpec) {
			s.Verify = &v1alpha1.Verify{Keys: corev1.LocalObjectReference{Name: "keys"}}
		}, []string{git, "ok signatures keys that count: 1"}, false},
		{"keys that are none", func(s *v1alpha1.RepositorySpec) {
			s.Verify = &v1alpha1.Verify{Keys: corev1.LocalObjectReference{Name: "wrong"}}
		}, []string{git, "missing signatures the keys in secret wrong cannot be read: "}, true},
		{"webhooks", func(s *v1alpha1.RepositorySpec) { s.WebhookSecretRef = &corev1.LocalObjectReference{Name: "keys"} }, []string{git, "missing webhook secret keys has no key token"}, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := &v1alpha1.Repository{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "shop", UID: "1"},
				Spec: v1alpha1.RepositorySpec{URL: server.CloneURL(repo), ProductionBranch: "main"}}
			tc.change(&r.Spec)
			found := check(t.Context(), c, r)
			var lines []string
			for _, line := range found.Checks {
				lines = append(lines, string(line.Result)+" "+line.About+" "+line.Text)
			}
			all := strings.Join(lines, "\n")
			for _, want := range tc.want {
				if !strings.Contains("\n"+all, "\n"+want) {
					t.Errorf("no line %q in\n%s", want, all)
				}
			}
			if found.missing() != tc.fails {
				t.Errorf("missing is %v in\n%s", found.missing(), all)
			}
			if strings.Contains(all, "s3cret") || strings.Contains(all, "forge-token") {
				t.Errorf("a secret is printed:\n%s", all)
			}
		})
	}
}

func bytesOf(data map[string]string) map[string][]byte {
	out := map[string][]byte{}
	for k, v := range data {
		out[k] = []byte(v)
	}
	return out
}

func TestReportAsText(t *testing.T) {
	r := &report{}
	r.add("git", works, "main is at 1a2b3c4d")
	r.add("forge", optional, "Deployments: write: needed to show \x1b[2J")
	var b strings.Builder
	r.write(&b, false)
	if diff := cmp.Diff("ok         git     main is at 1a2b3c4d\noptional   forge   Deployments: write: needed to show ·[2J\n", b.String()); diff != "" {
		t.Error(diff)
	}
	if r.missing() {
		t.Error("what is optional counts as missing")
	}
}
