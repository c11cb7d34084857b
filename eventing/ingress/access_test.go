package ingress

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/eventing/access"
)

const ordersURL = "http://headway-events.headway-system/shop/orders"

// nobody is an API server to which no token must come.
type nobody struct{}

func (nobody) Review(context.Context, string, string) (string, error) { panic("a token is reviewed") }

// accounts is one that knows whose the tokens are that name an account.
type accounts struct{}

func (accounts) Review(_ context.Context, token, _ string) (string, error) {
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	var claims struct{ Sub string }
	_ = json.Unmarshal(payload, &claims)
	return claims.Sub, nil
}

// ruleOf is the rule of shop/orders, whose key is "key".
func ruleOf(of *v1alpha1.ChannelAccess) *access.Rule {
	object := &v1alpha1.Channel{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "orders"}, Spec: v1alpha1.ChannelSpec{Access: of}}
	secrets := func(context.Context, string, string) (map[string][]byte, error) {
		return map[string][]byte{"hmac": []byte("key")}, nil
	}
	return access.NewRule(nil, object, ordersURL, secrets, time.Now)
}

var outside = &v1alpha1.ChannelAccess{Outside: &v1alpha1.OutsideAccess{HMAC: v1alpha1.KeyRef{Name: "till", Key: "hmac"}}}

// signed adds the headers of Standard Webhooks.
func signed(h http.Header, key, body string) http.Header {
	at := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("1." + at + "." + body))
	h.Set("Webhook-Id", "1")
	h.Set("Webhook-Timestamp", at)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return h
}

// text is an event in structured mode, with the headers structured; with those of
// binary mode it is data.
const text = `{"specversion": "1.0", "id": "1", "source": "/till", "type": "order.created"}`

func structured() http.Header {
	return http.Header{"Content-Type": {"application/cloudevents+json"}}
}

// tokenOf is a token of an account of a namespace.
func tokenOf(account string) string {
	claims := fmt.Sprintf(`{"aud":[%q],"exp":%d,"sub":"system:serviceaccount:%s"}`, ordersURL, time.Now().Add(time.Hour).Unix(), account)
	return "Bearer e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

func TestAccess(t *testing.T) {
	closed := &v1alpha1.ChannelAccess{Token: true, Outside: outside.Outside}
	for _, tc := range []struct {
		name      string
		access    *v1alpha1.ChannelAccess
		outside   bool // where the request comes from
		header    http.Header
		status    int
		sender    string
		challenge string
	}{
		{"inside, open", nil, false, headers(), 202, "anonymous 127.0.0.1", ""},
		{"inside, with a token", closed, false, headers("Authorization", tokenOf("shop:default")), 202, "service account shop/default", ""},
		{"through the API server", closed, false, headers("Headway-Authorization", tokenOf("shop:default")), 202, "service account shop/default", ""},
		{"inside, without a token", closed, false, headers(), 401, "", `Bearer realm="` + ordersURL + `"`},
		{"inside, signed for the outside", closed, false, signed(structured(), "key", text), 401, "", `Bearer realm="` + ordersURL + `"`},
		{"inside, with somebody else's", closed, false, headers("Authorization", tokenOf("till:default")), 403, "", ""},
		{"outside, signed", closed, true, signed(structured(), "key", text), 202, "outside, signed", ""},
		{"outside, signed with another key", closed, true, signed(structured(), "yek", text), 401, "", `StandardWebhooks realm="shop/orders"`},
		{"outside, signed for another body", closed, true, signed(structured(), "key", "{ }"), 401, "", `StandardWebhooks realm="shop/orders"`},
		{"outside, a signed body and attributes that are not", closed, true, signed(headers(), "key", text), 401, "", `StandardWebhooks realm="shop/orders"`},
		{"outside, with a token", closed, true, headers("Authorization", tokenOf("shop:default")), 401, "", `StandardWebhooks realm="shop/orders"`},
		{"outside, where there is no way in", nil, true, signed(structured(), "key", text), 404, "", ""},
		{"outside, where only tokens lead in", &v1alpha1.ChannelAccess{Token: true}, true, headers("Authorization", tokenOf("shop:default")), 404, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log := &memory{}
			h := New(access.NewGuard(accounts{}, time.Now), slog.New(slog.DiscardHandler))
			h.Open(orders, Door{Log: log, MaxEvent: limit, Rule: ruleOf(tc.access)})
			h.Ready()
			var handler http.Handler = h
			if tc.outside {
				handler = h.Outside()
			}
			server := httptest.NewServer(handler)
			defer server.Close()
			got := send(t, http.MethodPost, server.URL+"/shop/orders", tc.header, strings.NewReader(text))
			if got.status != tc.status || log.sender != tc.sender || (len(log.events) == 1) != (tc.status == 202) {
				t.Errorf("answered %d: %s; %d events by %q", got.status, got.text, len(log.events), log.sender)
			}
			if challenge := strings.TrimSuffix(got.header.Get("WWW-Authenticate"), `, error="invalid_token"`); challenge != tc.challenge {
				t.Errorf("WWW-Authenticate %s, want %s", challenge, tc.challenge)
			}
		})
	}
}

// TestPathsOutside: what else the ingress may serve to the cluster, and other
// paths, are nowhere outside.
func TestPathsOutside(t *testing.T) {
	h, _ := serve(t, &memory{})
	server := httptest.NewServer(h.Outside())
	defer server.Close()
	for _, path := range []string{"/-/why/shop/1", "/-/events/shop/orders", "/shop/orders", "/shop", "/", "//", "/shop/orders/", "/metrics"} {
		if got := send(t, http.MethodPost, server.URL+path, headers(), nil); got.status != http.StatusNotFound {
			t.Errorf("%s: answered %d: %s", path, got.status, got.text)
		}
	}
}

// TestRefusedUnread: whoever is refused for what the head of a request says is told
// so before any byte of the body, and does not keep the connection.
func TestRefusedUnread(t *testing.T) {
	h, url := serve(t, &memory{})
	h.Open(orders, Door{Log: &memory{}, MaxEvent: limit, Rule: ruleOf(&v1alpha1.ChannelAccess{Token: true})})
	for request, want := range map[string]string{"POST /shop/orders": "401", "POST /shop": "404", "POST /shop/mails": "404", "PUT /shop/orders": "405"} {
		status, closes := exchange(t, url, request+" HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\nCe-Id: 1\r\n\r\n")
		if !strings.HasPrefix(status, want) || !closes {
			t.Errorf("%s: answered %s, closes: %v", request, status, closes)
		}
	}
}

// exchange sends a text and reads the answer: its status, and whether it ends the
// connection.
func exchange(t *testing.T, url, text string) (status string, closes bool) {
	t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if _, err := io.WriteString(connection, text); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.Status, response.Close
}

// TestHundredLargeEvents: of a hundred events of a megabyte that come at once, the
// ingress holds as many as there is room for; with the two copies in the log that is
// less than 128 MiB from both entrances. The others wait, and all are kept.
func TestHundredLargeEvents(t *testing.T) {
	const size, posts = 1 << 20, 100
	if most := 3 * (roomInside + roomOutside); most >= 128<<20 {
		t.Fatalf("%d bytes in all", most)
	}
	body := bytes.Repeat([]byte("x"), size)
	whole := []byte(strings.TrimSuffix(text, "}") + `, "data": "`)
	whole = append(append(whole, body[len(whole)+2:]...), `"}`...) // of the same size
	for name, tc := range map[string]struct {
		room   int
		header http.Header
		handle func(*Handler) http.Handler
		body   func() io.Reader
	}{
		"inside":           {roomInside, headers(), func(h *Handler) http.Handler { return h }, func() io.Reader { return bytes.NewReader(body) }},
		"inside, chunked":  {roomInside, headers(), func(h *Handler) http.Handler { return h }, func() io.Reader { return io.MultiReader(bytes.NewReader(body)) }},
		"outside, chunked": {roomOutside, signed(structured(), "key", string(whole)), (*Handler).Outside, func() io.Reader { return io.MultiReader(bytes.NewReader(whole)) }},
	} {
		t.Run(name, func(t *testing.T) {
			log := &memory{came: make(chan struct{}, posts), block: make(chan struct{})}
			h := New(access.NewGuard(nobody{}, time.Now), slog.New(slog.DiscardHandler))
			h.Open(orders, Door{Log: log, MaxEvent: size, Rule: ruleOf(outside)})
			h.Ready()
			server := httptest.NewServer(tc.handle(h))
			defer server.Close()
			var sent sync.WaitGroup
			for range posts {
				sent.Go(func() {
					for { // as a sender does
						got := send(t, http.MethodPost, server.URL+"/shop/orders", tc.header, tc.body())
						if got.status == http.StatusAccepted {
							return
						}
						if got.status != http.StatusServiceUnavailable {
							t.Errorf("answered %d: %s", got.status, got.text)
							return
						}
					}
				})
			}
			for range tc.room / size {
				<-log.came
			}
			close(log.block)
			sent.Wait()
			if log.top != tc.room/size || len(log.events) != posts {
				t.Errorf("%d at a time, %d events", log.top, len(log.events))
			}
		})
	}
}

// TestLengthRequired: an event that should be in the body, of which nothing is said.
func TestLengthRequired(t *testing.T) {
	_, url := serve(t, &memory{})
	for header, want := range map[string]string{
		"Content-Type: application/cloudevents+json\r\n":                                                       "411",
		"Content-Type: application/cloudevents+json\r\nContent-Length: 0\r\n":                                  "400",
		"Content-Type: application/json\r\nCe-Specversion: 1.0\r\nCe-Id: 1\r\nCe-Source: /a\r\nCe-Type: b\r\n": "202",
	} {
		status, _ := exchange(t, url, "POST /shop/orders HTTP/1.1\r\nHost: a\r\n"+header+"\r\n")
		if !strings.HasPrefix(status, want) {
			t.Errorf("%q: answered %s, want %s", header, status, want)
		}
	}
}
