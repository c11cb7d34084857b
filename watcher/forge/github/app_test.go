package github

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/forgetest"
	"github.com/headway-dev/headway/watcher/forge/rest"
)

var key, _ = rsa.GenerateKey(rand.Reader, 2048)

func TestReadKey(t *testing.T) {
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for kind, der := range map[string][]byte{"RSA PRIVATE KEY": x509.MarshalPKCS1PrivateKey(key), "PRIVATE KEY": pkcs8} {
		got, err := ReadKey(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
		if err != nil || !got.Equal(key) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	for _, bad := range []string{"", "secret", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := ReadKey([]byte(bad)); err == nil || strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestSign: GitHub takes a JWT that is signed with the key and counts for ten
// minutes at most.
func TestSign(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	jwt, err := sign("Iv1.abc", key, now)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(jwt, ".")
	decode := func(s string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], decode(parts[2])); err != nil {
		t.Error(err)
	}
	var claims struct {
		IAT, EXP int64
		ISS      string
	}
	if err := json.Unmarshal(decode(parts[1]), &claims); err != nil || claims.ISS != "Iv1.abc" || claims.IAT != now.Unix()-60 || claims.EXP-claims.IAT > 600 {
		t.Errorf("%+v, %v", claims, err)
	}
}

// hub is GitHub as an App sees it.
type hub struct {
	made        int
	valid       string
	permissions map[string]string
	bodies      []string
	suspended   any
	installed   bool
	renamed     bool
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	reply := func(status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	asApp := strings.Count(token, ".") == 2
	switch {
	case r.URL.Path == "/repos/acme/shop/installation" && asApp:
		if !h.installed {
			reply(404, map[string]string{"message": "Not Found"})
			return
		}
		reply(200, map[string]any{"id": 42, "app_slug": "headway-of-acme", "permissions": h.permissions, "suspended_at": h.suspended})
	case r.URL.Path == "/app/installations/42/access_tokens" && asApp:
		body := &bytes.Buffer{}
		_, _ = body.ReadFrom(r.Body)
		h.bodies = append(h.bodies, body.String())
		if h.renamed && strings.Contains(body.String(), "repositories") {
			reply(422, map[string]string{"message": "There is at least one repository that does not exist"})
			return
		}
		h.made++
		h.valid = fmt.Sprintf("ghs_%d_long", h.made)
		reply(201, map[string]any{"token": h.valid, "expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
	case r.URL.Path == "/repos/acme/shop/pulls" && token == h.valid:
		reply(200, []any{})
	default:
		reply(401, map[string]string{"message": "Bad credentials " + token})
	}
}

func appClient(h *hub) *Client {
	base := &url.URL{Scheme: "https", Host: "api.github.com"}
	account := rest.NewAccount(forgetest.Served{Handler: h}, time.Second)
	app := NewApp(App{ID: "1", Key: key, Base: base, Account: account, Owner: "acme", Name: "shop"})
	return New(rest.Config{Base: base, Account: account, Auth: app}, "acme", "shop")
}

func newHub() *hub {
	return &hub{installed: true, permissions: map[string]string{"metadata": "read", "contents": "write", "pull_requests": "write", "statuses": "read", "issues": "write"}}
}

func TestApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		c := appClient(h)
		began := time.Now()
		for time.Since(began) < 3*time.Hour { // a look every minute
			if _, err := c.Requests(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if h.made != 4 {
			t.Errorf("%d tokens in three hours", h.made)
		}
		var asked struct {
			Repositories []string
			Permissions  map[string]string
		}
		if err := json.Unmarshal([]byte(h.bodies[0]), &asked); err != nil {
			t.Fatal(err)
		}
		// No more than is there, and no more than there is a use for.
		if diff := cmp.Diff(map[string]string{"metadata": "read", "contents": "read", "pull_requests": "write", "statuses": "read"}, asked.Permissions); diff != "" || asked.Repositories[0] != "shop" {
			t.Errorf("%v %s", asked.Repositories, diff)
		}
		if login, err := c.login(t.Context()); err != nil || login != "headway-of-acme[bot]" {
			t.Errorf("%q, %v", login, err)
		}
	})
}

func TestAppRights(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, err := appClient(newHub()).Rights(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		granted := map[string]forge.Granted{}
		for _, r := range got {
			granted[r.Name] = r.Granted
		}
		want := map[string]forge.Granted{"Pull requests: read": forge.Yes, "Metadata: read": forge.Yes, "Pull requests: write": forge.Yes, "Commit statuses: write": forge.No, "Deployments: write": forge.No}
		if diff := cmp.Diff(want, granted); diff != "" {
			t.Error(diff)
		}
	})
}

// TestAppRevoked: a token that is revoked is replaced, once; an App that is revoked
// is left alone.
func TestAppRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		c := appClient(h)
		ask := func() error {
			_, err := c.Requests(t.Context())
			return err
		}
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		h.valid = ""
		if err := ask(); err != nil || h.made != 2 {
			t.Errorf("%v, %d tokens", err, h.made)
		}
		h.valid = "none"
		err := ask()
		var e *forge.Error
		if !errors.As(err, &e) || e.Reason != v1alpha1.ReasonAuthenticationFailed || strings.Contains(e.Message, "ghs_") {
			t.Errorf("%v", err)
		}
		if _ = ask(); h.made != 2 {
			t.Errorf("%d tokens within moments", h.made)
		}
	})
}

func TestAppMissing(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*hub)
		text   string
	}{
		"not installed": {func(h *hub) { h.installed = false }, "is not installed for acme/shop"},
		"suspended":     {func(h *hub) { h.suspended = "2026-11-27T12:00:00Z" }, "is suspended for acme"},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHub()
			tt.change(h)
			_, err := appClient(h).Requests(t.Context())
			var e *forge.Error
			if !errors.As(err, &e) || e.Reason != v1alpha1.ReasonRightMissing || !strings.Contains(e.Message, tt.text) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.renamed = true
		if _, err := appClient(h).Requests(t.Context()); err != nil || h.made != 1 {
			t.Errorf("a renamed repository: %v", err)
		}
	})
}

func TestScopes(t *testing.T) {
	tests := []struct {
		scopes  string
		private bool
		want    string // of reading, public_repo, repo:status, repo_deployment
	}{
		{"repo", true, "yes yes yes yes"},
		{"repo", false, "yes yes yes yes"},
		{"public_repo", false, "yes yes yes yes"},
		{"public_repo", true, "no no no no"},
		{"repo:status", false, "yes no yes no"},
		{"", false, "yes no no no"},
		{"repo:status repo_deployment", true, "no no yes yes"},
	}
	for _, tt := range tests {
		allowed := ofScopes(strings.Fields(tt.scopes), tt.private)
		got := fmt.Sprint(allowed(""), " ", allowed("public_repo"), " ", allowed("repo:status"), " ", allowed("repo_deployment"))
		if got != tt.want {
			t.Errorf("%q, private %v: %s, want %s", tt.scopes, tt.private, got, tt.want)
		}
	}
}

func TestBase(t *testing.T) {
	for site, want := range map[string]string{
		"https://github.com":           "https://api.github.com",
		"https://acme.ghe.com":         "https://api.acme.ghe.com",
		"https://git.example.com:8443": "https://git.example.com:8443/api/v3",
	} {
		u, _ := url.Parse(site)
		if got := Base(u).String(); got != want {
			t.Errorf("%s: %s", site, got)
		}
	}
}
