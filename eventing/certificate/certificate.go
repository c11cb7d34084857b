// Package certificate keeps the TLS settings of a listener as the files of a Secret
// say, in the form in which cert-manager and others write one: tls.crt, tls.key,
// and in ca.crt the authorities whose client certificates are taken.
//
// It promises that a change of the files is followed within lookPause, without a
// connection or a request being lost: connections stay as they are, new ones get
// the new certificate. Files that are missing or do not fit together change
// nothing; before there were any that do, handshakes are refused.
//
// It does not say who may do what: a client without a certificate is let in, and
// Names are what one with a certificate has proved.
package certificate

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// lookPause is how often the files are read: the kubelet brings a change of a
// Secret into a pod within a minute or so.
const lookPause = 5 * time.Second

// The files, as Secrets of the type kubernetes.io/tls name them.
const (
	certificateFile = "tls.crt"
	keyFile         = "tls.key"
	authoritiesFile = "ca.crt"
)

// errNone is why there is no handshake.
var errNone = errors.New("there is no certificate yet")

// Folder is one with the files.
type Folder struct {
	path string
	log  *slog.Logger

	now  atomic.Pointer[tls.Config]
	read [3][]byte // what now was made of; that of Watch alone
	said string    // the last error that was logged
}

// New returns a Folder with what is in it now.
func New(path string, log *slog.Logger) *Folder {
	f := &Folder{path: path, log: log}
	f.look()
	return f
}

// Watch follows the files until ctx ends.
func (f *Folder) Watch(ctx context.Context) {
	tick := time.NewTicker(lookPause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f.look()
		case <-ctx.Done():
			return
		}
	}
}

// Config is for a listener. It follows the files.
func (f *Folder) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			if now := f.now.Load(); now != nil {
				return now, nil
			}
			return nil, errNone
		},
	}
}

// look reads the files, and uses them if they are others than before.
func (f *Folder) look() {
	var read [3][]byte
	for i, name := range []string{certificateFile, keyFile, authoritiesFile} {
		content, err := os.ReadFile(filepath.Join(f.path, name))
		if err != nil && !(name == authoritiesFile && errors.Is(err, fs.ErrNotExist)) {
			f.fail(err)
			return
		}
		read[i] = content
	}
	same := true
	for i := range read {
		same = same && bytes.Equal(read[i], f.read[i])
	}
	if same {
		return
	}
	config, err := configOf(read[0], read[1], read[2])
	if err != nil {
		f.fail(err)
		return
	}
	f.read, f.said = read, ""
	f.now.Store(config)
	f.log.Info("a certificate is used", "folder", f.path, "clients", config.ClientCAs != nil)
}

// fail says why the files are not used, once for each reason. That they are not
// there at all is how an installation without TLS looks.
func (f *Folder) fail(err error) {
	if said := err.Error(); said != f.said && (f.now.Load() != nil || !errors.Is(err, fs.ErrNotExist)) {
		f.said = said
		f.log.Warn("a certificate cannot be used", "folder", f.path, "error", err)
	}
}

// configOf makes settings of the contents of the files; that of ca.crt may be
// empty.
func configOf(certificate, key, authorities []byte) (*tls.Config, error) {
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("%s and %s: %w", certificateFile, keyFile, err)
	}
	config := &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{pair},
		// A resumed session would count on what was checked when it began.
		SessionTicketsDisabled: true,
	}
	if len(authorities) == 0 {
		return config, nil
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("%s has no certificate in PEM", authoritiesFile)
	}
	// Who has none may still sign.
	config.ClientAuth = tls.VerifyClientCertIfGiven
	return config, nil
}

// Names are the subject alternative names of the client certificate that was
// verified for a connection - DNS names, URIs and mail addresses; none if there is
// no certificate, or it has expired since.
func Names(connection *tls.ConnectionState, now time.Time) (names []string) {
	if connection == nil || len(connection.VerifiedChains) == 0 {
		return nil
	}
	leaf := connection.VerifiedChains[0][0]
	if now.After(leaf.NotAfter) {
		return nil
	}
	names = append(names, leaf.DNSNames...)
	for _, u := range leaf.URIs {
		names = append(names, u.String())
	}
	return append(names, leaf.EmailAddresses...)
}
