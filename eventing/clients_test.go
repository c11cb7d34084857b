package eventing

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/eventing/access"
	"github.com/headway-dev/headway/eventing/certificate/certificatetest"
	"github.com/headway-dev/headway/eventing/channel"
)

// Who has shown a certificate to one replica is known to the one that leads, and
// nobody can pretend that.
func TestClientsOfAnotherReplica(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := at
	ours := &clients{key: "secret", now: func() time.Time { return now }}
	names := []string{"till.example.com", "spiffe://example.com/ä"}
	header := http.Header{}
	if err := ours.vouch(access.WithNames(t.Context(), names), header); err != nil {
		t.Fatal(err)
	}
	word := header.Get(clientHeader)
	for _, tc := range []struct {
		name  string
		by    clients
		word  string
		after time.Duration
		want  []string
	}{
		{"as it was written", *ours, word, 0, names},
		{"a minute later", *ours, word, vouchedFor, names},
		{"too late", *ours, word, vouchedFor + time.Second, nil},
		{"of somebody with another password", clients{key: "other", now: ours.now}, word, 0, nil},
		{"where there are no replicas", clients{now: ours.now}, word, 0, nil},
		{"changed", *ours, "e30" + word[strings.Index(word, "."):], 0, nil},
		{"junk", *ours, "e30.e30", 0, nil},
		{"nothing", *ours, "", 0, nil},
	} {
		now = at.Add(tc.after)
		var got []string
		handler := tc.by.identify(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = access.Names(r.Context())
			if r.Header.Get(clientHeader) != "" {
				t.Errorf("%s: the header goes on", tc.name)
			}
		}))
		r := httptest.NewRequest(http.MethodPost, "/shop/orders", nil)
		r.Header.Set(clientHeader, tc.word)
		handler.ServeHTTP(nil, r)
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
	}
}

// A process that cannot vouch for a client has it send again, instead of having the
// leader refuse it; others are passed on.
func TestCannotVouch(t *testing.T) {
	leader := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	defer leader.Close()
	c := &clients{now: time.Now}
	g := newGate(c.vouch)
	g.follow(leader.URL)
	for want, ctx := range map[int]context.Context{
		http.StatusAccepted:           t.Context(),
		http.StatusServiceUnavailable: access.WithNames(t.Context(), []string{"till.example.com"}),
	} {
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodPost, "/shop/orders", nil))
		if w.Code != want {
			t.Errorf("answered %d, want %d", w.Code, want)
		}
	}
}

// A sender with a certificate gets in over TLS, whether the replica that it reaches
// leads or not; so does nobody with another one, and what comes without TLS proves
// nothing.
func TestOverTLS(t *testing.T) {
	authority := certificatetest.New(t)
	folder := t.TempDir()
	crt, key := certificatetest.PEM(authority.Issue(t, time.Hour, "127.0.0.1"))
	for name, content := range map[string][]byte{"tls.crt": crt, "tls.key": key, "ca.crt": authority.PEM} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var took atomic.Int64
	leader, follower := replicaOverTLS(t, folder), replicaOverTLS(t, folder)
	leader.lead(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if names := access.Names(r.Context()); !slices.Equal(names, []string{"till.example.com"}) {
			http.Error(w, fmt.Sprint(names), http.StatusForbidden)
			return
		}
		took.Add(1)
		w.WriteHeader(http.StatusAccepted)
	}))
	plain := httptest.NewServer(leader.clients.identify(leader.outside))
	defer plain.Close()
	follower.outside.follow(plain.URL)

	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority.PEM)
	with := func(shown ...tls.Certificate) *http.Client {
		return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: shown}}}
	}
	till, mail := with(authority.Issue(t, time.Hour, "till.example.com")), with(authority.Issue(t, time.Hour, "mail.example.com"))
	for _, tc := range []struct {
		name   string
		client *http.Client
		url    string
		status int
	}{
		{"the leader", till, leader.url, http.StatusAccepted},
		{"another replica", till, follower.url, http.StatusAccepted},
		{"another certificate", mail, leader.url, http.StatusForbidden},
		{"another certificate at another replica", mail, follower.url, http.StatusForbidden},
		{"no certificate", with(), leader.url, http.StatusForbidden},
		{"no TLS", till, plain.URL, http.StatusForbidden},
	} {
		r, err := tc.client.Post(tc.url+"/shop/orders", "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		_ = r.Body.Close()
		if r.StatusCode != tc.status {
			t.Errorf("%s: answered %d, want %d", tc.name, r.StatusCode, tc.status)
		}
	}
	if n := took.Load(); n != 2 {
		t.Errorf("%d requests were taken, want 2", n)
	}
}

// overTLS is a process that listens for senders outside over TLS.
type overTLS struct {
	*Eventing
	url string
}

func (o *overTLS) lead(h http.Handler) { o.outside.lead(h) }

func replicaOverTLS(t *testing.T, folder string) *overTLS {
	t.Helper()
	address, ended := make(chan string, 1), make(chan error, 1)
	o := &overTLS{Eventing: New(Options{
		ListenOutsideTLS: "127.0.0.1:0", Certificate: folder, Cluster: &channel.Cluster{Password: "secret"},
		Serve: func(ctx context.Context, l net.Listener, h http.Handler) error {
			address <- l.Addr().String()
			server := &http.Server{Handler: h}
			context.AfterFunc(ctx, func() { _ = server.Close() })
			return server.Serve(l)
		},
	})}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- o.serveTLS(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	o.url = "https://" + <-address
	return o
}
