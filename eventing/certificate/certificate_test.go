package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/eventing/certificate/certificatetest"
)

var quiet = slog.New(slog.DiscardHandler)

// server answers with the names of who asks.
func server(t *testing.T, f *Folder) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, strings.Join(Names(r.TLS, time.Now()), " "))
		}),
	}
	go func() { _ = s.Serve(tls.NewListener(listener, f.Config())) }()
	t.Cleanup(func() { _ = s.Close() })
	return "https://" + listener.Addr().String()
}

// client trusts an authority and shows a certificate of another one, if there is
// one.
func client(trusts *certificatetest.Authority, shows ...tls.Certificate) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(trusts.PEM)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: shows}}}
}

func ask(t *testing.T, c *http.Client, url string) string {
	t.Helper()
	r, err := c.Get(url)
	if err != nil {
		return "no answer"
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// put writes the files as the kubelet does: all of them at once.
func put(t *testing.T, path string, files map[string][]byte) {
	t.Helper()
	next := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(next, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(next, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link, path); err != nil {
		t.Fatal(err)
	}
}

// files are those of a server's certificate, and of the authority of its clients.
func files(server tls.Certificate, clients *certificatetest.Authority) map[string][]byte {
	crt, key := certificatetest.PEM(server)
	all := map[string][]byte{certificateFile: crt, keyFile: key}
	if clients != nil {
		all[authoritiesFile] = clients.PEM
	}
	return all
}

func TestClients(t *testing.T) {
	ours, other := certificatetest.New(t), certificatetest.New(t)
	path := filepath.Join(t.TempDir(), "tls")
	put(t, path, files(ours.Issue(t, time.Hour, "127.0.0.1"), ours))
	url := server(t, New(path, quiet))
	for _, tc := range []struct {
		name  string
		shows []tls.Certificate
		want  string
	}{
		{"nothing", nil, ""},
		{"a certificate", []tls.Certificate{ours.Issue(t, time.Hour, "till.example.com", "spiffe://example.com/till", "ada@example.com")}, "till.example.com spiffe://example.com/till ada@example.com"},
		{"somebody else's", []tls.Certificate{other.Issue(t, time.Hour, "till.example.com")}, "no answer"},
		{"one that is over", []tls.Certificate{ours.Issue(t, -time.Second, "till.example.com")}, "no answer"},
	} {
		if got := ask(t, client(ours, tc.shows...), url); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	if got := ask(t, client(other), url); got != "no answer" {
		t.Errorf("a client that trusts another authority: %q", got)
	}
}

// Without ca.crt nobody is asked for a certificate.
func TestWithoutAuthorities(t *testing.T) {
	ours := certificatetest.New(t)
	path := filepath.Join(t.TempDir(), "tls")
	put(t, path, files(ours.Issue(t, time.Hour, "127.0.0.1"), nil))
	if got := ask(t, client(ours, ours.Issue(t, time.Hour, "till.example.com")), server(t, New(path, quiet))); got != "" {
		t.Errorf("%q", got)
	}
}

// A new certificate, of another authority, is used for new connections; the one that
// is there goes on. What does not fit together changes nothing, and neither does
// a Secret that is deleted.
func TestRotation(t *testing.T) {
	first, second := certificatetest.New(t), certificatetest.New(t)
	path := filepath.Join(t.TempDir(), "tls")
	f := New(path, quiet)
	url := server(t, f)
	expect := func(what string, c *http.Client, want string) {
		t.Helper()
		if got := ask(t, c, url); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	expect("before there is a certificate", client(first), "no answer")

	put(t, path, files(first.Issue(t, time.Hour, "127.0.0.1"), first))
	f.look()
	old := client(first, first.Issue(t, time.Hour, "till.example.com"))
	expect("the first certificate", old, "till.example.com")

	put(t, path, files(second.Issue(t, time.Hour, "127.0.0.1"), second))
	f.look()
	expect("the connection from before", old, "till.example.com")
	expect("a new one", client(second, second.Issue(t, time.Hour, "mail.example.com")), "mail.example.com")
	expect("a client of the authority from before", client(second, first.Issue(t, time.Hour, "till.example.com")), "no answer")

	broken := files(first.Issue(t, time.Hour, "127.0.0.1"), second)
	_, broken[keyFile] = certificatetest.PEM(second.Issue(t, time.Hour, "127.0.0.1"))
	put(t, path, broken)
	f.look()
	expect("a key of another certificate", client(second), "")
	broken = files(first.Issue(t, time.Hour, "127.0.0.1"), nil)
	broken[authoritiesFile] = []byte("junk")
	put(t, path, broken)
	f.look()
	expect("authorities that cannot be read", client(second), "")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	f.look()
	expect("no files any more", client(second), "")
}

// The files are looked at as often as is promised, until the end.
func TestWatch(t *testing.T) {
	ours := certificatetest.New(t)
	path := filepath.Join(t.TempDir(), "tls")
	content := files(ours.Issue(t, time.Hour, "127.0.0.1"), nil)
	synctest.Test(t, func(t *testing.T) {
		f := New(path, quiet)
		ctx, cancel := context.WithCancel(t.Context())
		go f.Watch(ctx)
		synctest.Wait()
		put(t, path, content)
		time.Sleep(lookPause + 1)
		synctest.Wait()
		if _, err := f.Config().GetConfigForClient(nil); err != nil {
			t.Errorf("after %s: %v", lookPause, err)
		}
		cancel()
	})
}

// What a certificate proves ends with it, also on a connection that goes on.
func TestNamesEnd(t *testing.T) {
	ours := certificatetest.New(t)
	shown := ours.Issue(t, time.Hour, "till.example.com")
	state := &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{shown.Leaf}}}
	for after, want := range map[time.Duration][]string{59 * time.Minute: {"till.example.com"}, 61 * time.Minute: nil} {
		if d := cmp.Diff(want, Names(state, time.Now().Add(after))); d != "" {
			t.Errorf("after %s (-want +got):\n%s", after, d)
		}
	}
	if got := fmt.Sprint(Names(nil, time.Now()), Names(&tls.ConnectionState{PeerCertificates: []*x509.Certificate{shown.Leaf}}, time.Now())); got != "[] []" {
		t.Errorf("without a certificate that was verified: %s", got)
	}
}
