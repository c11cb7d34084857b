// Package credentials reads the Secrets that a Repository names: for its git
// server, and for its forge.
package credentials

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// Keys of a Secret.
const (
	KeyUsername   = "username"
	KeyPassword   = "password"
	KeyToken      = "token"
	KeyIdentity   = "identity"
	KeyKnownHosts = "known_hosts"
	// KeyCA holds certificates in PEM form that https may be signed by too.
	KeyCA = "ca.crt"
	// KeyAppID and KeyPrivateKey are those of a GitHub App: its id or client id,
	// and a key in PEM form.
	KeyAppID      = "appID"
	KeyPrivateKey = "privateKey"
)

// Text is a value without the line end that editors add.
func Text(secret map[string][]byte, key string) string {
	return strings.TrimRight(string(secret[key]), "\r\n")
}

// ErrCA: the authority is not in PEM form.
var ErrCA = errors.New("the key " + KeyCA + " in the Secret holds no certificate in PEM form")

// Transport makes one that trusts authority, certificates in PEM form, beside
// those of the system. Connecting is bounded to 10 s. Without an authority the
// error is nil.
func Transport(authority []byte) (*http.Transport, error) {
	base := http.DefaultTransport.(*http.Transport).Clone()
	if len(authority) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			return nil, fmt.Errorf("reading the system's certificates: %w", err)
		}
		if !pool.AppendCertsFromPEM(authority) {
			return nil, ErrCA
		}
		base.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	base.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	return base, nil
}
