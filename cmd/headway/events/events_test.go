package events

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/headway-dev/headway/eventing/event"
)

func TestEventOfFlags(t *testing.T) {
	file := filepath.Join(t.TempDir(), "order.json")
	if err := os.WriteFile(file, []byte(`{"n":2}`), 0o600); err != nil {
		t.Fatal(err)
	}
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, make([]byte, v1alpha1.MostMaxEvent+1), 0o600); err != nil {
		t.Fatal(err)
	}
	const at = "2026-05-04T12:00:00Z"
	for _, tc := range []struct {
		name  string
		flags message
		want  event.Event
		err   string
	}{
		{"JSON", message{kind: "a", source: "/s", id: "1", data: `{"n":1}`}, event.Event{ID: "1", Source: "/s", Type: "a", Time: at, DataContentType: "application/json", Data: []byte(`{"n":1}`)}, ""},
		{"text", message{kind: "a", source: "/s", id: "1", data: `hello`}, event.Event{ID: "1", Source: "/s", Type: "a", Time: at, DataContentType: "text/plain; charset=utf-8", Data: []byte("hello")}, ""},
		{"a file", message{kind: "a", source: "/s", id: "1", data: "@" + file}, event.Event{ID: "1", Source: "/s", Type: "a", Time: at, DataContentType: "application/json", Data: []byte(`{"n":2}`)}, ""},
		{"what comes in, with a type", message{kind: "a", source: "/s", id: "1", data: "-", contentType: "text/csv"}, event.Event{ID: "1", Source: "/s", Type: "a", Time: at, DataContentType: "text/csv", Data: []byte("\xff,2")}, ""},
		{"bytes", message{kind: "a", source: "/s", id: "1", data: "\xff"}, event.Event{ID: "1", Source: "/s", Type: "a", Time: at, DataContentType: "application/octet-stream", Data: []byte("\xff")}, ""},
		{"no data, and attributes", message{kind: "a", source: "/s", id: "1", subject: "b", set: []string{"partitionkey=c=d"}},
			event.Event{ID: "1", Source: "/s", Type: "a", Time: at, Subject: "b", Extensions: []event.Attribute{{Name: "partitionkey", Value: "c=d"}}, Data: []byte{}}, ""},
		{"no file", message{kind: "a", source: "/s", data: "@" + file + "x"}, event.Event{}, "reading the data: open "},
		{"a wrong pair", message{kind: "a", source: "/s", set: []string{"partitionkey"}}, event.Event{}, `--set takes attribute=value, not "partitionkey"`},
		{"a wrong attribute", message{kind: "a", source: "/s", set: []string{"Key=1"}}, event.Event{}, "this is no event: attribute Key has a name with"},
		{"too much", message{kind: "a", source: "/s", data: "@" + large}, event.Event{}, "reading the data: it has more than 8388608 bytes"},
		{"no source", message{kind: "a"}, event.Event{}, "this is no event: attribute source is missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := tc.flags.event(strings.NewReader("\xff,2"), noon)
			if tc.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tc.err) {
					t.Errorf("error %v, want %s", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tc.want, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
	first, _ := (&message{kind: "a", source: "/s"}).event(nil, noon)
	second, _ := (&message{kind: "a", source: "/s"}).event(nil, noon)
	if first.ID == "" || first.ID == second.ID {
		t.Errorf("ids %q and %q", first.ID, second.ID)
	}
}

// server is an API server that answers like this and tells what it was asked.
func server(t *testing.T, status int, answer string, header ...string) (*cli.Cluster, *http.Request) {
	t.Helper()
	var asked http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = *r.Clone(context.WithoutCancel(r.Context()))
		asked.Body = io.NopCloser(strings.NewReader(string(body)))
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	typed, err := kubernetes.NewForConfig(&rest.Config{Host: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	return &cli.Cluster{Typed: typed, Namespace: "shop"}, &asked
}

func TestPost(t *testing.T) {
	c, asked := server(t, http.StatusAccepted, "")
	sent := &event.Event{ID: "1", Source: "/s", Type: "a", Subject: "Euro €", DataContentType: "application/json", Data: []byte(`{"n": 1}`)}
	if err := post(t.Context(), c, "orders", sent); err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(asked.Body)
	got, err := event.ReadHTTP(asked.Header, body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]event.Event{*sent}, got); diff != "" {
		t.Errorf("arrived (-want +got):\n%s", diff)
	}
	if want := "/api/v1/namespaces/headway-system/services/headway-events:80/proxy/shop/orders"; asked.URL.Path != want || asked.Method != http.MethodPost {
		t.Errorf("asked for %s %s, want POST %s", asked.Method, asked.URL.Path, want)
	}
}

func TestPostRefused(t *testing.T) {
	const problem, plain = "application/problem+json", "application/json"
	for _, tc := range []struct {
		name   string
		status int
		kind   string
		answer string
		want   string
	}{
		{"no channel", 404, problem, `{"status":404,"detail":"There is no such channel."}`, "there is no channel orders in namespace shop; headway events channels lists those there are"},
		{"not taken", 503, problem, `{"status":503,"detail":"Channel shop/orders is full."}`, "the event was not taken: Channel shop/orders is full; with --id 1 --source /s it can be sent again and is kept once"},
		{"no ingress", 404, plain, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404,"message":"services \"headway-events\" not found"}`, "this cluster takes no events: there is no Service headway-events"},
		{"no pod", 503, plain, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"ServiceUnavailable","code":503,"message":"no endpoints available"}`, "the eventing program does not run, or starts: kubectl get pods --namespace headway-system shows it: "},
		{"another server", 502, "text/html", `<html>`, "sending to channel orders: the API server answers 502 Bad Gateway"},
		{"half an answer", 503, problem, `{"det`, "the event was not taken: 503 Service Unavailable"},
		{"no right", 403, plain, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"services is forbidden"}`, "sending to channel orders: "},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := server(t, tc.status, tc.answer, "Retry-After", "1", "Content-Type", tc.kind)
			err := post(t.Context(), c, "orders", &event.Event{ID: "1", Source: "/s", Type: "a"})
			if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("error %v, want %s", err, tc.want)
			}
		})
	}
}

// TestPostLost: nobody knows whether the event was taken.
func TestPostLost(t *testing.T) {
	c, _ := server(t, http.StatusAccepted, "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := post(ctx, c, "orders", &event.Event{ID: "1", Source: "/s", Type: "a"})
	if want := "sending to channel orders, with --id 1 --source /s it can be sent again and is kept once: "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}

// TestSendNoSense is about what is wrong before a cluster is asked.
func TestSendNoSense(t *testing.T) {
	for want, args := range map[string][]string{
		"an event needs a type":                           {"orders"},
		`"../../../pods" cannot be the name of a channel`: {"../../../pods", "--type", "a"},
		"--set id=1: --id is for that":                    {"orders", "--type", "a", "--set", "id=1"},
		"accepts 1 arg":                                   {"--type", "a"},
	} {
		var out, errs strings.Builder
		s := cli.Streams{Out: &out, Err: &errs}
		root := &cobra.Command{Use: "headway"}
		a := cli.NewAccess(root)
		root.AddCommand(Command(s, a))
		code := cli.Run(t.Context(), root, append([]string{"--kubeconfig", "/no/such/file", "events", "send"}, args...), s)
		if code != 2 || out.Len() > 0 || !strings.HasPrefix(errs.String(), "headway: "+want) {
			t.Errorf("%q: code %d, out %q, stderr %q", args, code, &out, &errs)
		}
	}
}

// TestPostWithToken: a channel that asks who sends gets a token for it, by a way that
// the API server leaves alone.
func TestPostWithToken(t *testing.T) {
	const unauthorized = `{"status":401,"detail":"Channel shop/orders takes events only with a token."}`
	for _, tc := range []struct {
		name      string
		forbidden bool
		again     int // status of the second answer
		want      string
	}{
		{"accepted", false, http.StatusAccepted, ""},
		{"may make no token", true, 0, "channel orders takes events only with a token, and you may make none: that needs the right to create serviceaccounts/token of default in namespace shop. An app with `sends: [orders]` has one: "},
		{"refused again", false, http.StatusUnauthorized, "the event was not taken: Channel shop/orders takes events only with a token"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var tokens []string
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/api/v1/namespaces/shop/serviceaccounts/default/token" && tc.forbidden:
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(http.StatusForbidden)
					_, _ = io.WriteString(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403,"message":"no"}`)
				case r.URL.Path == "/api/v1/namespaces/shop/serviceaccounts/default/token":
					body, _ := io.ReadAll(r.Body)
					if !strings.Contains(string(body), `"audiences":["http://headway-events.headway-system/shop/orders"]`) {
						t.Errorf("asked for %s", body)
					}
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(http.StatusCreated)
					_, _ = io.WriteString(w, `{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","status":{"token":"a.b.c"}}`)
				default:
					tokens = append(tokens, r.Header.Get("Headway-Authorization"))
					status := http.StatusUnauthorized
					if len(tokens) == 2 {
						status = tc.again
					}
					w.Header().Set("Content-Type", "application/problem+json")
					w.WriteHeader(status)
					_, _ = io.WriteString(w, unauthorized)
				}
			}))
			defer s.Close()
			typed, err := kubernetes.NewForConfig(&rest.Config{Host: s.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}})
			if err != nil {
				t.Fatal(err)
			}
			err = post(t.Context(), &cli.Cluster{Typed: typed, Namespace: "shop"}, "orders", &event.Event{ID: "1", Source: "/s", Type: "a"})
			if (err == nil) != (tc.want == "") || err != nil && !strings.HasPrefix(err.Error(), tc.want) {
				t.Errorf("error %v, want %s", err, tc.want)
			}
			wanted := []string{"", "Bearer a.b.c"}
			if tc.forbidden {
				wanted = wanted[:1]
			}
			if diff := cmp.Diff(wanted, tokens); diff != "" {
				t.Errorf("sent with (-want +got):\n%s", diff)
			}
		})
	}
}
