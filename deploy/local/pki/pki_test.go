package pki

import (
	"bytes"
	"crypto/x509"
	"os"
	"testing"
	"time"
)

var now = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func open(t *testing.T, dir string, at time.Time) *Authority {
	t.Helper()
	authority, err := Open(dir, at)
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func ensure(t *testing.T, authority *Authority, request Request, at time.Time) []byte {
	t.Helper()
	if err := authority.Ensure(request, at); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(authority.Cert(request.Name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

var server = Request{Name: "server", User: "api", Groups: []string{"system:nodes"}, Hosts: []string{"198.18.255.1", "api.local"}}

func TestCertificatesVerify(t *testing.T) {
	authority := open(t, t.TempDir(), now)
	ensure(t, authority, server, now)
	ensure(t, authority, Request{Name: "client", User: "admin", Groups: []string{"system:masters"}}, now)
	roots := x509.NewCertPool()
	roots.AddCert(authority.cert)
	for _, test := range []struct {
		name, file, host string
		usage            x509.ExtKeyUsage
		valid            bool
	}{
		{"server by address", "server", "198.18.255.1", x509.ExtKeyUsageServerAuth, true},
		{"server by name", "server", "api.local", x509.ExtKeyUsageServerAuth, true},
		{"server by another name", "server", "else.local", x509.ExtKeyUsageServerAuth, false},
		{"client", "client", "", x509.ExtKeyUsageClientAuth, true},
		{"a client does not serve", "client", "", x509.ExtKeyUsageServerAuth, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			cert, _, err := load(authority.Cert(test.file), authority.Key(test.file))
			if err != nil {
				t.Fatal(err)
			}
			_, err = cert.Verify(x509.VerifyOptions{
				Roots: roots, DNSName: test.host, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{test.usage},
			})
			if (err == nil) != test.valid {
				t.Errorf("verify: %v, want valid %t", err, test.valid)
			}
		})
	}
}

func TestEnsureKeepsAndRenews(t *testing.T) {
	changed := server
	changed.Hosts = append([]string{"new.local"}, server.Hosts...)
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, dir string, a *Authority)
		request Request
		at      time.Time
		kept    bool
	}{
		{"nothing changed", nil, server, now.Add(time.Hour), true},
		{"another host", nil, changed, now, false},
		{"nearly expired", nil, server, now.Add(lifetime - renewal + time.Hour), false},
		{"the key is gone", func(t *testing.T, _ string, a *Authority) {
			if err := os.Remove(a.Key("server")); err != nil {
				t.Fatal(err)
			}
		}, server, now, false},
		{"half a file", func(t *testing.T, _ string, a *Authority) {
			if err := os.Truncate(a.Cert("server"), 30); err != nil {
				t.Fatal(err)
			}
		}, server, now, false},
		{"the authority is new", func(t *testing.T, _ string, a *Authority) {
			if err := os.Remove(a.Key("ca")); err != nil {
				t.Fatal(err)
			}
		}, server, now, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			authority := open(t, dir, now)
			first := ensure(t, authority, server, now)
			if test.prepare != nil {
				test.prepare(t, dir, authority)
			}
			second := ensure(t, open(t, dir, test.at), test.request, test.at)
			if kept := bytes.Equal(first, second); kept != test.kept {
				t.Errorf("kept = %t, want %t", kept, test.kept)
			}
		})
	}
}
