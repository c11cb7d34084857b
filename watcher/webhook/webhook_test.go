package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
)

func TestNormalize(t *testing.T) {
	const shop = "git.example.com/ada/shop"
	tests := map[string]string{
		"https://git.example.com/ada/shop.git":        shop,
		"https://git.example.com/ada/shop":            shop,
		"https://git.example.com/ada/shop/":           shop,
		"https://Git.Example.com./Ada/Shop.git":       shop,
		"https://ada:pw@git.example.com/ada/shop.git": shop,
		"http://git.example.com:3000/ada/shop.git":    shop,
		"ssh://git@git.example.com:22/ada/shop.git":   shop,
		"git@git.example.com:ada/shop.git":            shop,
		"git@git.example.com:/ada/shop.git":           shop,
		"git.example.com:ada/shop.git":                shop,
		"git://git.example.com/ada/shop.git":          shop,
		" https://git.example.com/ada/shop.git\n":     shop,
		"":                                       "",
		"shop":                                   "",
		"https://git.example.com":                "",
		"https://git.example.com/.git":           "",
		"file:///etc/passwd":                     "",
		"https://%zz/":                           "",
		"https://a/" + strings.Repeat("x", 3000): "",
	}
	for in, want := range tests {
		if got := Normalize(in); got != want {
			t.Errorf("Normalize(%q) = %q, want %q", in, got, want)
		}
	}
}

// bodies are the shapes that the forges document, cut to what matters.
var bodies = map[string]string{
	"github":                `{"ref":"refs/heads/main","repository":{"id":1,"full_name":"ada/shop","html_url":"https://git.example.com/ada/shop","url":"https://api.example.com/repos/ada/shop","git_url":"git://git.example.com/ada/shop.git","ssh_url":"git@git.example.com:ada/shop.git","clone_url":"https://git.example.com/ada/shop.git"},"commits":[]}`,
	"gitlab":                `{"object_kind":"push","project":{"id":15,"web_url":"https://git.example.com/ada/shop","git_ssh_url":"git@git.example.com:ada/shop.git","git_http_url":"https://git.example.com/ada/shop.git","homepage":"https://git.example.com/ada/shop","url":"git@git.example.com:ada/shop.git"},"repository":{"name":"shop","url":"git@git.example.com:ada/shop.git"}}`,
	"gitea":                 `{"ref":"refs/heads/main","repository":{"full_name":"ada/shop","private":true,"html_url":"https://git.example.com/ada/shop","ssh_url":"ssh://git@git.example.com:2222/ada/shop.git","clone_url":"https://git.example.com/ada/shop.git"}}`,
	"bitbucket cloud":       `{"push":{},"repository":{"type":"repository","full_name":"ada/shop","links":{"self":{"href":"https://api.example.com/2.0/repositories/ada/shop"},"html":{"href":"https://git.example.com/ada/shop"}}}}`,
	"bitbucket data center": `{"eventKey":"repo:refs_changed","repository":{"slug":"shop","links":{"clone":[{"href":"ssh://git@git.example.com:7999/ada/shop.git","name":"ssh"},{"href":"https://git.example.com/ada/shop.git","name":"http"}],"self":[{"href":"https://git.example.com/projects/ada"}]}}}`,
	"plain":                 `{"url":"https://git.example.com/ada/shop.git"}`,
	"odd types":             `{"url":7,"repository":{"clone_url":{"x":1},"html_url":"https://git.example.com/ada/shop"}}`,
}

func TestURLs(t *testing.T) {
	for name, body := range bodies {
		if got := URLs([]byte(body)); !slices.Contains(got, "git.example.com/ada/shop") {
			t.Errorf("%s: %v, want git.example.com/ada/shop among them", name, got)
		}
	}
	for _, body := range []string{"", "{", "[]", "null", `"x"`, `{"repository":[]}`, `{"repository":{"name":"shop"}}`} {
		if got := URLs([]byte(body)); len(got) != 0 {
			t.Errorf("URLs(%q) = %v, want none", body, got)
		}
	}
}

// fake has one open and one secret Repository.
type fake struct{ hints []string }

func (f *fake) ByURL(_ context.Context, u string) ([]Target, error) {
	switch u {
	case "git.example.com/ada/shop":
		return []Target{{NamespacedName: types.NamespacedName{Namespace: "default", Name: "open"}}}, nil
	case "git.example.com/ada/secret":
		return []Target{{NamespacedName: types.NamespacedName{Namespace: "default", Name: "secret"}, Signed: true, Token: []byte("t0ken")}}, nil
	case "git.example.com/ada/lost": // its Secret is missing
		return []Target{{NamespacedName: types.NamespacedName{Namespace: "default", Name: "lost"}, Signed: true}}, nil
	}
	return nil, nil
}

func (f *fake) Hint(n types.NamespacedName) { f.hints = append(f.hints, n.Name) }

func sign(body, token string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestHandler(t *testing.T) {
	open, secret := bodies["github"], strings.ReplaceAll(bodies["github"], "shop", "secret")
	lost, unknown := `{"url":"https://git.example.com/ada/lost"}`, `{"url":"https://git.example.com/ada/nothing"}`
	form := "payload=" + url.QueryEscape(open)
	tests := []struct {
		name, method, path, body string
		header                   map[string]string
		status                   int
		hints                    []string
	}{
		{"open", "POST", "/webhook", open, nil, 202, []string{"open"}},
		{"form", "POST", "/webhook", form, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, 202, []string{"open"}},
		{"unknown", "POST", "/webhook", unknown, nil, 202, nil},
		{"unsigned for one that wants signed", "POST", "/webhook", secret, nil, 202, nil},
		{"github signature", "POST", "/webhook", secret, map[string]string{"X-Hub-Signature-256": "sha256=" + sign(secret, "t0ken")}, 202, []string{"secret"}},
		{"gitea signature", "POST", "/webhook", secret, map[string]string{"X-Gitea-Signature": sign(secret, "t0ken")}, 202, []string{"secret"}},
		{"gitlab token", "POST", "/webhook", secret, map[string]string{"X-Gitlab-Token": "t0ken"}, 202, []string{"secret"}},
		{"bearer token", "POST", "/webhook", secret, map[string]string{"Authorization": "Bearer t0ken"}, 202, []string{"secret"}},
		{"wrong signature", "POST", "/webhook", secret, map[string]string{"X-Hub-Signature-256": "sha256=" + sign(secret, "other")}, 403, nil},
		{"signature of another body", "POST", "/webhook", secret, map[string]string{"X-Hub-Signature-256": "sha256=" + sign(secret+" ", "t0ken")}, 403, nil},
		{"wrong token", "POST", "/webhook", secret, map[string]string{"X-Gitlab-Token": "t0kem"}, 403, nil},
		{"garbage signature", "POST", "/webhook", secret, map[string]string{"X-Hub-Signature-256": "sha256=zz"}, 403, nil},
		{"signed for an unknown one", "POST", "/webhook", unknown, map[string]string{"X-Gitlab-Token": "t0ken"}, 403, nil},
		{"signed for an open one", "POST", "/webhook", open, map[string]string{"X-Gitlab-Token": "t0ken"}, 403, []string{"open"}},
		{"empty token never matches", "POST", "/webhook", lost, map[string]string{"X-Hub-Signature-256": "sha256=" + sign(lost, "")}, 403, nil},
		{"not json", "POST", "/webhook", "hello", nil, 202, nil},
		{"too long", "POST", "/webhook", strings.Repeat("x", maxBody+1), nil, 413, nil},
		{"get", "GET", "/webhook", "", nil, 405, nil},
		{"elsewhere", "POST", "/", open, nil, 404, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := &fake{}
			r := httptest.NewRequest(test.method, test.path, strings.NewReader(test.body))
			for k, v := range test.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			New(f, slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
			if w.Code != test.status {
				t.Errorf("status %d, want %d: %s", w.Code, test.status, w.Body)
			}
			if diff := cmp.Diff(test.hints, f.hints); diff != "" {
				t.Errorf("hints (-want +got)\n%s", diff)
			}
		})
	}
}

// TestStandardSignature: GitLab's signed webhooks.
func TestStandardSignature(t *testing.T) {
	now := time.Unix(1_764_244_800, 0)
	key := []byte("0123456789abcdef0123456789abcdef")
	token := "whsec_" + base64.StdEncoding.EncodeToString(key)
	body := bodies["gitlab"]
	sum := func(id, at, body string, key []byte) string {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + at + "." + body))
		return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	at := func(d time.Duration) string { return fmt.Sprint(now.Add(d).Unix()) }
	right := sum("msg_1", at(0), body, key)
	tests := []struct {
		name, id, at, signature, token string
		want                           bool
	}{
		{"right", "msg_1", at(0), right, token, true},
		{"right, with a line end in the Secret", "msg_1", at(0), right, token + "\n", true},
		{"second of two, as while a token is replaced", "msg_1", at(0), sum("msg_1", at(0), body, []byte("old")) + " " + right, token, true},
		{"almost five minutes old", "msg_1", at(-5 * time.Minute), sum("msg_1", at(-5*time.Minute), body, key), token, true},
		{"older", "msg_1", at(-301 * time.Second), sum("msg_1", at(-301*time.Second), body, key), token, false},
		{"of the future", "msg_1", at(301 * time.Second), sum("msg_1", at(301*time.Second), body, key), token, false},
		{"another time", "msg_1", at(time.Second), right, token, false},
		{"another id", "msg_2", at(0), right, token, false},
		{"another body", "msg_1", at(0), sum("msg_1", at(0), body+" ", key), token, false},
		{"another key", "msg_1", at(0), sum("msg_1", at(0), body, []byte("other")), token, false},
		{"another version", "msg_1", at(0), strings.Replace(right, "v1,", "v2,", 1), token, false},
		{"no version", "msg_1", at(0), strings.TrimPrefix(right, "v1,"), token, false},
		{"no id", "", at(0), sum("", at(0), body, key), token, false},
		{"no time", "msg_1", "", sum("msg_1", "", body, key), token, false},
		{"rubbish for a time", "msg_1", "now", sum("msg_1", "now", body, key), token, false},
		{"a huge time", "msg_1", "9223372036854775807", sum("msg_1", "9223372036854775807", body, key), token, false},
		{"no signature", "msg_1", at(0), "", token, false},
		{"a token of another form", "msg_1", at(0), sum("msg_1", at(0), body, []byte("t0ken")), "t0ken", false},
		{"an empty key", "msg_1", at(0), sum("msg_1", at(0), body, nil), "whsec_", false},
		{"a key that is no base64", "msg_1", at(0), right, "whsec_%%%", false},
	}
	for _, tt := range tests {
		header := http.Header{"Webhook-Id": {tt.id}, "Webhook-Timestamp": {tt.at}, "Webhook-Signature": {tt.signature}}
		if got := signed(header, []byte(body), []byte(tt.token), now); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if !carriesSignature(http.Header{"Webhook-Signature": {right}}) {
		t.Error("a signature is not seen, so that a wrong one would get 202")
	}
}

// TestAnswersDoNotTell: what an outsider can send gets the same answer for
// every kind of Repository and for none.
func TestAnswersDoNotTell(t *testing.T) {
	for name, header := range map[string]http.Header{
		"unsigned": {},
		"guessed":  {"X-Gitlab-Token": {"guess"}},
	} {
		var first string
		for i, repository := range []string{"shop", "secret", "lost", "nothing"} {
			r := httptest.NewRequest("POST", "/webhook", strings.NewReader(`{"url":"https://git.example.com/ada/`+repository+`"}`))
			r.Header = header
			w := httptest.NewRecorder()
			New(&fake{}, slog.New(slog.DiscardHandler)).ServeHTTP(w, r)
			got := http.StatusText(w.Code) + w.Body.String()
			if i == 0 {
				first = got
			}
			if got != first {
				t.Errorf("%s: %s gets %q, others %q", name, repository, got, first)
			}
		}
	}
}

func TestRateLimit(t *testing.T) {
	h := New(&fake{}, slog.New(slog.DiscardHandler))
	limited := 0
	for range 2 * burst {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/webhook", strings.NewReader("{}")))
		if w.Code == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited == 0 || limited > burst {
		t.Errorf("%d of %d were limited, want up to %d", limited, 2*burst, burst)
	}
}

func FuzzURLs(f *testing.F) {
	for _, body := range bodies {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, u := range URLs(body) {
			if u == "" || u != strings.ToLower(u) || !strings.Contains(u, "/") {
				t.Errorf("URLs(%q) has %q", body, u)
			}
		}
	})
}

// FuzzNormalize: the scheme, the user and the suffix never matter.
func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"https://git.example.com/ada/shop.git", "git@git.example.com:ada/shop.git", "ssh://git@h:22/x", "://", "a:b", "https://h/.git.git"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		n := Normalize(raw)
		if n == "" {
			return
		}
		if strings.Contains(n, "://") || n != strings.ToLower(n) {
			t.Fatalf("Normalize(%q) = %q", raw, n)
		}
	})
}
