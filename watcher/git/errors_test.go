package git_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/git/gittest"
)

func TestFailuresSayWhatToDo(t *testing.T) {
	h := gittest.NewHTTP(t)
	h.User, h.Password = "ada", "s3cret"
	repo := gittest.NewRepo(t, h.Root, "shop.git")
	repo.CommitAndPush("first", map[string]string{"a": "1"})
	empty := gittest.NewRepo(t, h.Root, "empty.git")
	sha256 := gittest.NewRepo(t, h.Root, "sha256.git", "--object-format=sha256")
	sha256.CommitAndPush("first", map[string]string{"a": "1"})
	s := gittest.NewSSH(t, h.Root)
	otherKey, otherSigner := gittest.Key(t)
	good := map[string][]byte{"username": []byte("ada"), "password": []byte("s3cret")}
	goodSSH := map[string][]byte{"identity": s.Identity, "known_hosts": s.KnownHosts}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>hello</html>") }))
	defer page.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	defer broken.Close()
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
	defer busy.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	wrongLine := []byte(knownhosts.Line([]string{knownhosts.Normalize(s.Addr)}, otherSigner.PublicKey()))
	elsewhere := []byte(knownhosts.Line([]string{"example.com"}, otherSigner.PublicKey()))

	tests := []struct {
		name, url    string
		secret       map[string][]byte
		reason, text string
	}{
		{"no credentials", h.CloneURL(repo), nil, v1alpha1.ReasonAuthenticationFailed, "headway repo add URL --username NAME --password-stdin"},
		{"wrong password", h.CloneURL(repo), map[string][]byte{"username": []byte("ada"), "password": []byte("no")}, v1alpha1.ReasonAuthenticationFailed, "refused the credentials"},
		{"secret without keys", h.CloneURL(repo), map[string][]byte{"user": []byte("ada")}, v1alpha1.ReasonSecretInvalid, "username and password, or token"},
		{"no such repository", h.URL + "/nope.git", good, v1alpha1.ReasonRepositoryNotFound, "no such repository"},
		{"empty", h.CloneURL(empty), good, v1alpha1.ReasonEmptyRepository, "no commit yet"},
		{"SHA-256", h.CloneURL(sha256), good, v1alpha1.ReasonFetchFailed, "uses SHA-256 object names"},
		{"SHA-256 over ssh", s.CloneURL(sha256), goodSSH, v1alpha1.ReasonFetchFailed, "uses SHA-256 object names"},
		{"nobody listens", "http://127.0.0.1:1/x.git", nil, v1alpha1.ReasonUnreachable, "cannot be reached"},
		{"no such host", "https://nowhere.invalid/x.git", nil, v1alpha1.ReasonUnreachable, "cannot be resolved"},
		{"not git", page.URL + "/x.git", nil, v1alpha1.ReasonFetchFailed, "not that of a git server"},
		{"server error", broken.URL + "/x.git", nil, v1alpha1.ReasonUnreachable, "answered 502"},
		{"asked too often", busy.URL + "/x.git", nil, v1alpha1.ReasonUnreachable, "spec.interval longer"},
		{"unknown authority", secure.URL + "/x.git", nil, v1alpha1.ReasonUnreachable, "not trusted"},
		{"broken authority", secure.URL + "/x.git", map[string][]byte{"ca.crt": []byte("x")}, v1alpha1.ReasonSecretInvalid, "no certificate in PEM form"},
		{"another authority", secure.URL + "/x.git", map[string][]byte{"ca.crt": otherAuthority(t)}, v1alpha1.ReasonUnreachable, "ca.crt"},
		{"known authority", secure.URL + "/x.git", map[string][]byte{"ca.crt": certificate(secure)}, v1alpha1.ReasonRepositoryNotFound, "no such repository"},
		{"not a url", "shop", nil, v1alpha1.ReasonInvalidURL, "https://host/owner/name.git"},
		{"a file url", "file:///etc", nil, v1alpha1.ReasonInvalidURL, "https://host/owner/name.git"},
		{"no path", "https://example.com", nil, v1alpha1.ReasonInvalidURL, "https://host/owner/name.git"},
		{"ssh without a secret", s.CloneURL(repo), nil, v1alpha1.ReasonSecretInvalid, "identity"},
		{"ssh with a bad key", s.CloneURL(repo), map[string][]byte{"identity": []byte("x"), "known_hosts": s.KnownHosts}, v1alpha1.ReasonSecretInvalid, "ssh-keygen"},
		{"ssh with the wrong key", s.CloneURL(repo), map[string][]byte{"identity": otherKey, "known_hosts": s.KnownHosts}, v1alpha1.ReasonAuthenticationFailed, "refused the credentials"},
		{"ssh without known_hosts", s.CloneURL(repo), map[string][]byte{"identity": s.Identity}, v1alpha1.ReasonHostKeyUnknown, "ssh-keyscan -p"},
		{"ssh with a broken known_hosts", s.CloneURL(repo), map[string][]byte{"identity": s.Identity, "known_hosts": []byte("a b c")}, v1alpha1.ReasonSecretInvalid, "ssh-keyscan"},
		{"ssh with another host's key", s.CloneURL(repo), map[string][]byte{"identity": s.Identity, "known_hosts": elsewhere}, v1alpha1.ReasonHostKeyUnknown, "has no key of 127.0.0.1"},
		{"ssh with a changed key", s.CloneURL(repo), map[string][]byte{"identity": s.Identity, "known_hosts": wrongLine}, v1alpha1.ReasonHostKeyUnknown, "is not the one in known_hosts"},
		{"ssh no such repository", "ssh://git@" + s.Addr + "/nope.git", goodSSH, v1alpha1.ReasonRepositoryNotFound, "no such repository"},
		{"ssh empty", s.CloneURL(empty), goodSSH, v1alpha1.ReasonEmptyRepository, "no commit yet"},
	}
	client := git.NewClient(git.DefaultLimits())
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			session, err := client.Connect(t.Context(), test.url, test.secret)
			if err == nil {
				session.Close()
				t.Fatal("Connect succeeded")
			}
			wantReason(t, err, test.reason, test.text)
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the message holds the password: %v", err)
			}
		})
	}
}

// TestSlowRemotes: a server that accepts and says nothing, at every stage, and
// one that never stops.
func TestSlowRemotes(t *testing.T) {
	release := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-release
	}))
	defer silent.Close()
	defer close(release)
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "001e# service=git-upload-pack\n0000")
		_, _ = io.WriteString(w, "004c1111111111111111111111111111111111111111 refs/heads/abcdef\x00side-band-64k")
		for {
			if _, err := io.WriteString(w, "003f1111111111111111111111111111111111111111 refs/heads/abcdef\n"); err != nil {
				return
			}
		}
	}))
	defer endless.Close()
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()
	s := gittest.NewSSH(t, t.TempDir())

	limits := git.DefaultLimits()
	limits.RefsTimeout = 50 * time.Millisecond
	impatient := git.NewClient(limits)
	_, err = impatient.Connect(t.Context(), silent.URL+"/x.git", nil)
	wantReason(t, err, v1alpha1.ReasonUnreachable, "did not answer in time")
	_, err = impatient.Connect(t.Context(), "ssh://git@"+mute.Addr().String()+"/x.git",
		map[string][]byte{"identity": s.Identity, "known_hosts": s.KnownHosts})
	wantReason(t, err, v1alpha1.ReasonUnreachable, "did not answer in time")

	limits = git.DefaultLimits()
	limits.RefsBytes = 1 << 20
	_, err = git.NewClient(limits).Connect(t.Context(), endless.URL+"/x.git", nil)
	wantReason(t, err, v1alpha1.ReasonTooLarge, "larger than the limits")
}

// certificate is that of a test server, which signs itself.
func certificate(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// otherAuthority is a certificate that signed nothing here.
func otherAuthority(t *testing.T) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
