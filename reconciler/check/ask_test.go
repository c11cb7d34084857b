package check

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/headway-dev/headway/api/outward"
	"github.com/headway-dev/headway/api/v1alpha1"
)

func anywhere(netip.Addr) bool { return true }

func serve(t *testing.T, status int, body string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.Header.Get("Authorization") != "" {
			t.Errorf("%s with Authorization %q", r.Method, r.Header.Get("Authorization"))
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestHTTP(t *testing.T) {
	other := serve(t, 200, "")
	redirect := func(to string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/" {
				http.Redirect(w, r, to, http.StatusFound)
			}
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	for _, tc := range []struct {
		name, url string
		verdict   v1alpha1.Verdict
		message   string
	}{
		{"yes", serve(t, 204, ""), v1alpha1.VerdictPassing, "answered 204"},
		{"no", serve(t, 409, "secret"), v1alpha1.VerdictDoubtful, "answered 409"},
		{"it is ill", serve(t, 503, "secret"), v1alpha1.VerdictDoubtful, "answered 503"},
		{"nobody is there", closed.URL + "/?token=secret", v1alpha1.VerdictWaiting, "no answer: dial tcp"},
		{"redirected on the host", redirect("/ready"), v1alpha1.VerdictPassing, "answered 200"},
		{"redirected elsewhere", redirect(other), v1alpha1.VerdictDoubtful, "answered 302"},
		{"a file", "file:///etc/passwd", v1alpha1.VerdictWaiting, "begins with http://"},
		{"a password", strings.Replace(other, "//", "//me:secret@", 1), v1alpha1.VerdictWaiting, "must not hold a password"},
		{"rubbish", "http://\x7f", v1alpha1.VerdictWaiting, "no URL"},
	} {
		got := newAsker(anywhere).http(t.Context(), Subject{Gates: v1alpha1.Gates{HTTP: tc.url}})
		if got.verdict != tc.verdict || !strings.Contains(got.message, tc.message) || strings.Contains(got.message, "secret") {
			t.Errorf("%s: %+v, want %s %q", tc.name, got, tc.verdict, tc.message)
		}
	}
}

func TestAddresses(t *testing.T) {
	got := newAsker(outward.Allowed).http(t.Context(), Subject{Gates: v1alpha1.Gates{HTTP: strings.Replace(serve(t, 200, ""), "127.0.0.1", "[::ffff:127.0.0.1]", 1)}})
	if got.verdict != v1alpha1.VerdictWaiting || !strings.Contains(got.message, "is no address for a gate") {
		t.Errorf("the controller's own machine: %+v", got)
	}
}

func TestPrometheus(t *testing.T) {
	vector := func(values ...string) string {
		var series []string
		for _, v := range values {
			series = append(series, `{"metric":{},"value":[1435781451.781,"`+v+`"]}`)
		}
		return `{"status":"success","data":{"resultType":"vector","result":[` + strings.Join(series, ",") + `]}}`
	}
	for _, tc := range []struct {
		name    string
		status  int
		body    string
		verdict v1alpha1.Verdict
		message string
	}{
		{"below", 200, vector("0.2"), v1alpha1.VerdictPassing, "the value is 0.2, at most 0.5"},
		{"equal", 200, vector("0.5"), v1alpha1.VerdictPassing, "at most 0.5"},
		{"above", 200, vector("0.51"), v1alpha1.VerdictFailed, "the value is 0.51, above 0.5"},
		{"infinite", 200, vector("+Inf"), v1alpha1.VerdictFailed, "above 0.5"},
		{"a scalar", 200, `{"data":{"resultType":"scalar","result":[1,"0.1"]}}`, v1alpha1.VerdictPassing, "0.1"},
		{"no data", 200, vector(), v1alpha1.VerdictWaiting, "no data"},
		{"no requests", 200, vector("NaN"), v1alpha1.VerdictWaiting, "no data"},
		{"many", 200, vector("1", "2"), v1alpha1.VerdictWaiting, "yields 2 numbers"},
		{"a range", 200, `{"data":{"resultType":"matrix","result":[]}}`, v1alpha1.VerdictWaiting, `yields a "matrix"`},
		{"a page", 200, "<html>", v1alpha1.VerdictWaiting, "not that of a Prometheus query"},
		{"a number", 200, `{"data":{"resultType":"vector","result":[{"value":[1,2]}]}}`, v1alpha1.VerdictWaiting, "not that of a Prometheus query"},
		{"a wrong query", 400, `{"status":"error"}`, v1alpha1.VerdictWaiting, "the query is wrong"},
		{"it is ill", 503, "", v1alpha1.VerdictWaiting, "answered 503"},
	} {
		var query string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			query = r.URL.Path + "?" + r.URL.Query().Get("query")
			w.WriteHeader(tc.status)
			fmt.Fprint(w, tc.body)
		}))
		got := newAsker(anywhere).prometheus(t.Context(), Subject{App: shop, Revision: "shop-1", Gates: v1alpha1.Gates{
			Prometheus: &v1alpha1.PrometheusGate{URL: server.URL + "/", Query: `rate(errors{app="$APP",ns="$NAMESPACE",rev="$REVISION"}[1m])`, Max: "0.5"},
		}})
		server.Close()
		if got.verdict != tc.verdict || !strings.Contains(got.message, tc.message) {
			t.Errorf("%s: %+v, want %s %q", tc.name, got, tc.verdict, tc.message)
		}
		if want := `/api/v1/query?rate(errors{app="shop",ns="team",rev="shop-1"}[1m])`; query != want {
			t.Errorf("asked %s, want %s", query, want)
		}
	}
}

// FuzzValue: whatever a server answers is a number or an error.
func FuzzValue(f *testing.F) {
	f.Add([]byte(`{"data":{"resultType":"vector","result":[{"value":[1,"2"]}]}}`))
	f.Add([]byte(`{"data":{"resultType":"scalar","result":[null,null]}}`))
	f.Fuzz(func(_ *testing.T, body []byte) { _, _ = valueOf(body) })
}
