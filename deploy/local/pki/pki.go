// Package pki makes the certificates of the local cluster: one authority, serving
// certificates and client certificates, all on disk in PEM files.
//
// It is for a throwaway cluster on one machine: the authority's key lies next to
// the certificates, readable by root only.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// lifetime of every certificate, and the rest of it below which it is made anew.
const (
	lifetime = 365 * 24 * time.Hour
	renewal  = 30 * 24 * time.Hour
)

// Request describes a certificate.
type Request struct {
	// Name is the base of the files Name.crt and Name.key.
	Name string
	// User and Groups are the common name and the organizations, which is how
	// Kubernetes reads a client's identity.
	User   string
	Groups []string
	// Hosts are the DNS names and addresses of a serving certificate.
	Hosts []string
}

// Authority signs certificates and keeps them in a folder.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  crypto.PrivateKey
}

// Open loads the authority of dir, or makes a new one when there is none that is
// valid for another 30 days.
func Open(dir string, now time.Time) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the certificate folder: %w", err)
	}
	authority := &Authority{dir: dir}
	cert, key, err := load(authority.Cert("ca"), authority.Key("ca"))
	if err == nil && cert.IsCA && fresh(cert, now) {
		authority.cert, authority.key = cert, key
		return authority, nil
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "headway local cluster"},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if err := authority.write("ca", template, now); err != nil {
		return nil, fmt.Errorf("making the authority: %w", err)
	}
	return authority, nil
}

// Cert is the path of a certificate, Key of its private key.
func (a *Authority) Cert(name string) string { return filepath.Join(a.dir, name+".crt") }

// Key is the path of a private key.
func (a *Authority) Key(name string) string { return filepath.Join(a.dir, name+".key") }

// Ensure makes the certificate unless a valid one of this authority for the same
// identity and hosts is already there.
func (a *Authority) Ensure(request Request, now time.Time) error {
	if cert, _, err := load(a.Cert(request.Name), a.Key(request.Name)); err == nil && a.accepts(cert, request, now) {
		return nil
	}
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: request.User, Organization: request.Groups},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if len(request.Hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, host := range request.Hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	if err := a.write(request.Name, template, now); err != nil {
		return fmt.Errorf("making certificate %s: %w", request.Name, err)
	}
	return nil
}

// accepts reports whether a certificate on disk still serves the request.
func (a *Authority) accepts(cert *x509.Certificate, request Request, now time.Time) bool {
	if cert.CheckSignatureFrom(a.cert) != nil || !fresh(cert, now) || cert.Subject.CommonName != request.User ||
		len(cert.Subject.Organization) != len(request.Groups) {
		return false
	}
	for _, host := range request.Hosts {
		if cert.VerifyHostname(host) != nil {
			return false
		}
	}
	return true
}

func fresh(cert *x509.Certificate, now time.Time) bool {
	return now.After(cert.NotBefore) && now.Add(renewal).Before(cert.NotAfter)
}

// write signs the template (by itself when it is the authority) and stores it.
func (a *Authority) write(name string, template *x509.Certificate, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	// An hour back: the clock of a fresh virtual machine may be set forward and back.
	template.SerialNumber, template.NotBefore, template.NotAfter = serial, now.Add(-time.Hour), now.Add(lifetime)
	parent, signer := a.cert, a.key
	if template.IsCA {
		parent, signer = template, crypto.PrivateKey(key)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return err
	}
	if template.IsCA {
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			return err
		}
		a.key = key
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		writePEM(a.Key(name), "PRIVATE KEY", encoded, 0o600),
		writePEM(a.Cert(name), "CERTIFICATE", der, 0o644))
}

// writePEM replaces the file as a whole, so that a kill leaves the old or the new one.
func writePEM(path, kind string, der []byte, mode fs.FileMode) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}

// load reads a certificate and its key and checks that they belong together.
func load(certPath, keyPath string) (*x509.Certificate, crypto.PrivateKey, error) {
	pair, err := tls.LoadX509KeyPair(certPath, keyPath)
	return pair.Leaf, pair.PrivateKey, err
}
