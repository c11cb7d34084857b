package pool

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/forgetest"
)

func TestLocate(t *testing.T) {
	for in, want := range map[string]string{
		"https://git.example.com/ada/shop.git":        "https://git.example.com ada/shop",
		"https://Git.Example.com/ada/shop/":           "https://git.example.com ada/shop",
		"http://10.0.0.1:3000/ada/shop.git":           "http://10.0.0.1:3000 ada/shop",
		"https://git.example.com/git/ada/shop.git":    "https://git.example.com git/ada/shop",
		"ssh://git@git.example.com:2222/ada/shop.git": "https://git.example.com ada/shop",
		"ssh://git@[fd00::1]:22/ada/shop":             "https://[fd00::1] ada/shop",
		"git@git.example.com:ada/shop.git":            "https://git.example.com ada/shop",
		"git@gitlab.com:acme/team/shop.git":           "https://gitlab.com acme/team/shop",
		"ssh://git@ssh.github.com:443/ada/shop.git":   "https://github.com ada/shop",
		"https://git.example.com/ada/shop%20x":        "https://git.example.com ada/shop x",
		"http://198.18.255.1:3000/shop.git":           "",
		"https://git.example.com/../shop":             "",
		"https://git.example.com/ada/..":              "",
		"https://git.example.com//shop":               "",
		"git@git.example.com:shop.git":                "",
		"https://%zz/":                                "",
		"":                                            "",
	} {
		p, err := locate(in)
		got := ""
		if err == nil {
			got = p.site.String() + " " + strings.Join(p.path, "/")
		}
		if got != want {
			t.Errorf("locate(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
}

// kinds are servers by what they answer to somebody without credentials.
var kinds = map[string]struct {
	answers map[string]string // by path: status and body
	want    string
}{
	"gitea":                  {map[string]string{"/api/v1/version": `200 {"version":"1.25.4"}`}, "gitea"},
	"gitea behind a log-in":  {map[string]string{"/api/v1/version": `403 {"message":"Only signed in user is allowed to call APIs.","url":"https://git.example.com/api/swagger"}`}, "gitea"},
	"gitea below a path":     {map[string]string{"/git/api/v1/version": `200 {"version":"1.25.4"}`}, "gitea"},
	"gitlab":                 {map[string]string{"/api/v4/version": `401 {"message":"401 Unauthorized"}`}, "gitlab"},
	"gitlab, open":           {map[string]string{"/api/v4/version": `200 {"version":"18.5.0","revision":"abc"}`}, "gitlab"},
	"github":                 {map[string]string{"/api/v3/meta": `200 {"verifiable_password_authentication":true}`}, "github"},
	"github in private mode": {map[string]string{"/api/v3/meta": `401 {"message":"Must authenticate to access this API.","documentation_url":"https://docs.github.com"}`}, "github"},
	"another API":            {map[string]string{"/api/v1/version": `401 {"message":"who are you?"}`, "/api/v4/version": `200 {"version":"2"}`}, ""},
	"pages for everything":   {map[string]string{"/api/v1/version": "200 <html>", "/api/v4/version": "200 <html>", "/api/v3/meta": "200 <html>"}, ""},
	"lists":                  {map[string]string{"/api/v1/version": "200 [1]", "/api/v4/version": "200 null", "/api/v3/meta": `200 {"verifiable_password_authentication":"x"}`}, ""},
	"nothing":                {nil, ""},
}

func server(answers map[string]string, seen func(*http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen(r)
		answer, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		var status int
		_, _ = fmt.Sscan(answer, &status)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer[4:])
	})
}

func TestDetect(t *testing.T) {
	for name, tt := range kinds {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				handler := server(tt.answers, func(r *http.Request) {
					asked++
					if r.Header.Get("Authorization") != "" {
						t.Error("credentials are sent to a server that may be any")
					}
				})
				p := newPool(t, handler)
				repo := repository("https://git.example.com/git/ada/shop.git", &v1alpha1.Forge{Type: "auto"})
				for range 3 {
					c, err := p.Client(t.Context(), repo)
					if tt.want == "" {
						fails(t, err, v1alpha1.ReasonForgeUnknown, "set spec.forge.type")
						continue
					}
					if err != nil || c.Name() != tt.want {
						t.Fatalf("%v, want %s", err, tt.want)
					}
				}
				if asked > 6 {
					t.Errorf("%d requests", asked)
				}
				before := asked
				other := repository("https://git.example.com/git/ada/other.git", &v1alpha1.Forge{})
				other.UID = "other"
				_, _ = p.Client(t.Context(), other)
				if asked != before {
					t.Error("the same server is asked again")
				}
			})
		})
	}
}

// TestAway: a server that does not answer is left alone.
func TestAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		p := newPool(t, nil)
		p.transport = func([]byte) (http.RoundTripper, error) {
			return roundTrip(func(*http.Request) (*http.Response, error) {
				asked++
				return nil, errors.New("dial tcp: connection refused")
			}), nil
		}
		repo := repository("https://git.example.com/ada/shop.git", &v1alpha1.Forge{Type: "auto"})
		for range 3 {
			_, err := p.Client(t.Context(), repo)
			fails(t, err, v1alpha1.ReasonUnreachable, "git.example.com cannot be reached")
		}
		if asked != 3 {
			t.Errorf("%d requests", asked)
		}
		time.Sleep(time.Minute)
		if _, _ = p.Client(t.Context(), repo); asked != 6 {
			t.Errorf("%d requests after a minute", asked)
		}
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

const namespace = "default"

func newPool(t *testing.T, handler http.Handler, secrets ...*corev1.Secret) *Pool {
	t.Helper()
	b := fake.NewClientBuilder().WithObjects(secret("forge", "token", "t0ken-of-ada"), secret("git", "username", "ada", "password", "pa55word"), secret("ssh", "identity", "KEY", "known_hosts", "h"))
	for _, s := range secrets {
		b = b.WithObjects(s)
	}
	p := New(b.Build())
	if handler != nil {
		p.transport = func([]byte) (http.RoundTripper, error) { return forgetest.Served{Handler: handler}, nil }
	}
	return p
}

func secret(name string, pairs ...string) *corev1.Secret {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace}, Data: map[string][]byte{}}
	for i := 0; i < len(pairs); i += 2 {
		s.Data[pairs[i]] = []byte(pairs[i+1])
	}
	return s
}

func repository(url string, f *v1alpha1.Forge) *v1alpha1.Repository {
	if f != nil && f.SecretRef == nil {
		f.SecretRef = &corev1.LocalObjectReference{Name: "forge"}
	}
	return &v1alpha1.Repository{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Namespace: namespace, UID: types.UID(url)},
		Spec:       v1alpha1.RepositorySpec{URL: url, Forge: f},
	}
}

func fails(t *testing.T, err error, reason, text string) {
	t.Helper()
	var e *forge.Error
	if !errors.As(err, &e) || e.Reason != reason || !strings.Contains(e.Message, text) {
		t.Errorf("%v; want %s and %q", err, reason, text)
	}
	if err != nil && (strings.Contains(err.Error(), "t0ken") || strings.Contains(err.Error(), "pa55")) {
		t.Errorf("credentials in %v", err)
	}
}

// TestAddresses: where the API is, and who the repository is there.
func TestAddresses(t *testing.T) {
	tests := []struct{ url, kind, api, want string }{
		{"https://github.com/ada/shop.git", "auto", "", "GET api.github.com/repos/ada/shop/pulls"},
		{"git@github.com:ada/shop.git", "auto", "", "GET api.github.com/repos/ada/shop/pulls"},
		{"https://codeberg.org/ada/shop", "auto", "", "GET codeberg.org/api/v1/repos/ada/shop/pulls"},
		{"https://gitlab.com/acme/team/shop.git", "auto", "", "GET gitlab.com/api/v4/projects/acme%2Fteam%2Fshop"},
		{"https://git.example.com/ada/shop", "github", "", "GET git.example.com/api/v3/repos/ada/shop/pulls"},
		{"https://git.example.com/git/ada/shop", "gitea", "", "GET git.example.com/git/api/v1/repos/ada/shop/pulls"},
		{"http://10.0.0.1:3000/ada/shop", "gitea", "", "GET 10.0.0.1:3000/api/v1/repos/ada/shop/pulls"},
		{"ssh://git@git.example.com:2222/ada/shop", "gitea", "", "GET git.example.com/api/v1/repos/ada/shop/pulls"},
		{"ssh://git@git.example.com:2222/ada/shop", "gitea", "http://git.example.com:3000/api/v1/", "GET git.example.com:3000/api/v1/repos/ada/shop/pulls"},
		{"https://git.example.com/ada/shop", "auto", "https://api.example.com/api/v1", "GET api.example.com/api/v1/repos/ada/shop/pulls"},
		{"https://git.example.com/gitlab/acme/team/shop", "gitlab", "https://git.example.com/gitlab/api/v4", "GET git.example.com/gitlab/api/v4/projects/acme%2Fteam%2Fshop"},
		{"https://git.example.com/gitlab/shop", "gitlab", "", "GET git.example.com/api/v4/projects/gitlab%2Fshop"},
	}
	for _, tt := range tests {
		var asked string
		p := newPool(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r.Method + " " + r.Host + r.URL.EscapedPath()
			http.NotFound(w, r)
		}))
		c, err := p.Client(t.Context(), repository(tt.url, &v1alpha1.Forge{Type: tt.kind, APIURL: tt.api}))
		if err != nil {
			t.Errorf("%s: %v", tt.url, err)
			continue
		}
		if _, _ = c.Requests(t.Context()); asked != tt.want {
			t.Errorf("%s (%s %s) asks %s, want %s", tt.url, tt.kind, tt.api, asked, tt.want)
		}
	}
}

func TestRefused(t *testing.T) {
	ref := func(name string) *corev1.LocalObjectReference { return &corev1.LocalObjectReference{Name: name} }
	tests := []struct {
		name         string
		repo         *v1alpha1.Repository
		reason, text string
	}{
		{"no owner", repository("http://198.18.255.1:3000/shop.git", &v1alpha1.Forge{Type: "gitea"}), v1alpha1.ReasonInvalidURL, "names no owner"},
		{"no Secret", repository("https://github.com/a/b", &v1alpha1.Forge{SecretRef: ref("missing")}), v1alpha1.ReasonSecretInvalid, `no Secret "missing" in namespace default; create it, or correct spec.forge.secretRef`},
		{"a key for ssh", repository("git@github.com:a/b", &v1alpha1.Forge{SecretRef: ref("ssh")}), v1alpha1.ReasonSecretInvalid, "has no token for the API of the forge"},
		{"an App without a key", repository("https://github.com/a/b", &v1alpha1.Forge{SecretRef: ref("app")}), v1alpha1.ReasonSecretInvalid, "the key privateKey of the Secret that spec.forge.secretRef names is not in PEM form"},
		{"rubbish for an authority", repository("https://github.com/a/b", &v1alpha1.Forge{SecretRef: ref("ca")}), v1alpha1.ReasonSecretInvalid, "ca.crt"},
		{"an API of what?", repository("https://git.example.com/a/b", &v1alpha1.Forge{Type: "auto", APIURL: "https://git.example.com/rest"}), v1alpha1.ReasonForgeUnknown, "set spec.forge.type"},
		{"credentials in it", repository("https://git.example.com/a/b", &v1alpha1.Forge{Type: "gitea", APIURL: "https://ada:t0ken@git.example.com/"}), v1alpha1.ReasonInvalidURL, "without credentials"},
	}
	p := newPool(t, nil, secret("app", "appID", "1"), secret("ca", "token", "t0ken", "ca.crt", "rubbish"))
	for _, tt := range tests {
		_, err := p.Client(t.Context(), tt.repo)
		fails(t, err, tt.reason, tt.text)
	}
	bare := repository("https://github.com/a/b", &v1alpha1.Forge{})
	bare.Spec.Forge.SecretRef = nil
	_, err := p.Client(t.Context(), bare)
	fails(t, err, v1alpha1.ReasonSecretInvalid, "name it in spec.forge.secretRef")
}

// TestKept: one client as long as nothing changes, and the credentials of the
// Repository where the forge has none of its own.
func TestKept(t *testing.T) {
	var sent atomic.Value
	p := newPool(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent.Store(r.Header.Get("Authorization"))
		http.NotFound(w, r)
	}))
	repo := repository("https://codeberg.org/ada/shop", &v1alpha1.Forge{})
	get := func() forge.Client {
		t.Helper()
		c, err := p.Client(t.Context(), repo)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Requests(context.Background())
		return c
	}
	first := get()
	if get() != first || sent.Load() != "token t0ken-of-ada" {
		t.Errorf("another client, or %q", sent.Load())
	}
	repo.Spec.Forge.SecretRef, repo.Spec.SecretRef = nil, &corev1.LocalObjectReference{Name: "git"}
	second := get()
	if second == first || sent.Load() != "Basic YWRhOnBhNTV3b3Jk" {
		t.Errorf("the client for other credentials: %q", sent.Load())
	}
	if len(p.accounts) != 1 {
		t.Errorf("%d accounts", len(p.accounts))
	}
	p.Forget(repo.UID)
	if len(p.accounts) != 0 || get() == second {
		t.Error("the client is kept after it was forgotten")
	}
	repo.Spec.Forge = nil
	if c, err := p.Client(t.Context(), repo); c != nil || err != nil || len(p.members) != 0 {
		t.Errorf("without a forge: %v, %v", c, err)
	}
}

// TestShared: what one Repository learns of a limit counts for others with the
// same credentials.
func TestShared(t *testing.T) {
	asked := 0
	p := newPool(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	for i := range 3 {
		c, err := p.Client(t.Context(), repository(fmt.Sprint("https://github.com/acme/shop", i), &v1alpha1.Forge{}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Requests(t.Context())
		fails(t, err, v1alpha1.ReasonRateLimited, "")
	}
	if asked != 1 {
		t.Errorf("%d requests", asked)
	}
}

// TestAuthority: a real server with a certificate of its own.
func TestAuthority(t *testing.T) {
	w := forgetest.NewWorld()
	s := httptest.NewTLSServer(w.Gitea())
	defer s.Close()
	s.Config.ErrorLog = nil
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	p := newPool(t, nil, secret("private", "token", w.Token, "ca.crt", string(ca)), secret("other", "token", w.Token))
	u, _ := url.Parse(s.URL)
	ask := func(name string) error {
		c, err := p.Client(t.Context(), repository("https://"+u.Host+"/acme/shop.git", &v1alpha1.Forge{Type: "gitea", SecretRef: &corev1.LocalObjectReference{Name: name}}))
		if err != nil {
			return err
		}
		_, err = c.Requests(t.Context())
		return err
	}
	fails(t, ask("other"), v1alpha1.ReasonUnreachable, "into the key ca.crt of the Secret with the forge's credentials")
	if err := ask("private"); err != nil {
		t.Error(err)
	}
}

// TestClientsAreWhole: no client of an interface is a nil pointer in disguise.
func TestClientsAreWhole(t *testing.T) {
	for _, host := range []string{"github.com", "gitlab.com", "codeberg.org"} {
		c, err := newPool(t, http.NotFoundHandler()).Client(t.Context(), repository("https://"+host+"/a/b", &v1alpha1.Forge{}))
		if err != nil || reflect.ValueOf(c).IsNil() || c.Name() != known(host) {
			t.Errorf("%s: %v, %v", host, c, err)
		}
	}
}
