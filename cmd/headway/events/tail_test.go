package events

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/headway-dev/headway/api/explain"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/query"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// reading is an API server that makes tokens, and leads questions to answer.
func reading(t *testing.T, answer http.HandlerFunc) *cli.Cluster {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/api/v1/namespaces/shop/serviceaccounts/default/token" {
			if !bytes.Contains(body, []byte(query.Audience("shop"))) {
				t.Errorf("a token is made with %q", body)
			}
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","status":{"token":"made"}}`)
			return
		}
		if got := r.Header.Get(access.ProxiedHeader); got != "Bearer made" {
			t.Errorf("asked with token %q", got)
		}
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	typed, err := kubernetes.NewForConfig(&rest.Config{Host: s.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}})
	if err != nil {
		t.Fatal(err)
	}
	return &cli.Cluster{Typed: typed, Namespace: "shop"}
}

const twoEvents = `
{"channel":"orders","sequence":7,"accepted":"2026-05-04T12:00:00.5Z","id":"a\u001b[2J","source":"/till","type":"order.created","attributes":{"subject":"4711","time":"x"},"bytes":7,"data":"{\"n\":\n1}"}

{"channel":"orders","sequence":8,"accepted":"2026-05-04T12:00:01Z","id":"b","source":"/till","type":"order.paid","bytes":2048,"data_base64":"/w=="}
`

func TestEach(t *testing.T) {
	var asked *url.URL
	c := reading(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL
		_, _ = io.WriteString(w, twoEvents)
	})
	f := chosen{from: "2026-05-04T12:00:00Z", kind: "order.created", max: 5, follow: true, data: true}
	var got []explain.StoredEvent
	if err := each(t.Context(), c, "orders", f.query(), func(e *explain.StoredEvent) error { got = append(got, *e); return nil }); err != nil {
		t.Fatal(err)
	}
	if want := "/api/v1/namespaces/headway-system/services/headway-events:80/proxy/-/events/shop/orders?data=1&follow=1&from=2026-05-04T12%3A00%3A00Z&max=5&type=order.created"; asked.String() != want {
		t.Errorf("asked for %s", asked)
	}
	var out bytes.Buffer
	writeEvents(&out, got)
	if diff := cmp.Diff(`SEQUENCE   ACCEPTED               TYPE            SOURCE   ID      BYTES
7          2026-05-04 12:00:00Z   order.created   /till    a·[2J   7 B
8          2026-05-04 12:00:01Z   order.paid      /till    b       2.00 KiB

7: {"n":
1}

8: (1 B that are no text)
`, out.String()); diff != "" {
		t.Errorf("list (-want +got)\n%s", diff)
	}
	want := "7 2026-05-04T12:00:00Z order.created /till a·[2J subject=4711\n    {\"n\":\n    1}"
	if got := line(&got[0]); got != want {
		t.Errorf("tail prints\n%s, want\n%s", got, want)
	}
}

// TestBrokenOff: half an answer is no answer.
func TestBrokenOff(t *testing.T) {
	c := reading(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.TrimSpace(twoEvents)[:40])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	err := each(t.Context(), c, "orders", nil, func(*explain.StoredEvent) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "the answer broke off") {
		t.Errorf("error %v", err)
	}
}

func TestUnanswered(t *testing.T) {
	for _, tc := range []struct {
		status       int
		kind, answer string
		want         string
	}{
		{401, "application/problem+json", `{"detail":"The token is refused: it is not valid."}`, "asking for events: The token is refused: it is not valid"},
		{404, "application/problem+json", `{"detail":"There is no such channel."}`, "asking for events: There is no such channel"},
		{404, "application/json", `{"kind":"Status","status":"Failure","reason":"NotFound","code":404,"message":"services not found"}`, "this cluster takes no events"},
		{503, "application/json", `{"kind":"Status","status":"Failure","reason":"ServiceUnavailable","code":503,"message":"no endpoints"}`, "the eventing program does not run"},
		{502, "text/html", `<html>`, "asking for events: the API server answers 502"},
	} {
		c := reading(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", tc.kind)
			w.WriteHeader(tc.status)
			_, _ = io.WriteString(w, tc.answer)
		})
		if _, err := Story(t.Context(), c, "1", false); err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Errorf("%d: error %v, want %s", tc.status, err, tc.want)
		}
	}
}

// TestFollowEnds: who ends it gets no error.
func TestFollowEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := reading(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, twoEvents)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	n := 0
	err := each(ctx, c, "orders", nil, func(*explain.StoredEvent) error {
		if n++; n == 2 {
			cancel()
		}
		return nil
	})
	if err == nil || ctx.Err() == nil || !errors.Is(err, ctx.Err()) {
		t.Errorf("error %v", err)
	}
}
