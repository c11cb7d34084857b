package git

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// Error is a failure that a person can act on.
type Error struct {
	// Reason is a condition reason of a Repository.
	Reason string
	// Message says what is wrong and what to do.
	Message string
	// Err is the cause; nil where the message says everything.
	Err error
}

// Error is the message and the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + " (" + oneLine(e.Err.Error()) + ")"
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrCorrupt marks a cache whose objects cannot be read. The cache has to be
// reset and fetched again.
var ErrCorrupt = errors.New("git cache is corrupt")

// ErrNotCommit: git lets a tag point at a file or a folder.
var ErrNotCommit = errors.New("not a commit")

// errTooLong ends a stream that is longer than its limit.
var errTooLong = errors.New("the remote sent more than the limit")

// AsError gives err as an *Error; what is not one yet becomes FetchFailed.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Reason: v1alpha1.ReasonFetchFailed, Message: "the repository could not be synced", Err: err}
}

// classify turns an error of the network, of ssh or of go-git into an *Error.
func classify(err error, host string, limits Limits) error {
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	e := &Error{Err: err}
	switch {
	case errors.Is(err, errTooLong):
		e.Reason = v1alpha1.ReasonTooLarge
		e.Message = fmt.Sprintf("the repository is larger than the limits (%s of refs, %s of files in one fetch); split it, or move large files to LFS or an object store",
			size(limits.RefsBytes), size(limits.PackBytes))
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed), isSSHAuth(err):
		e.Reason = v1alpha1.ReasonAuthenticationFailed
		e.Message = host + " refused the credentials; check that the Secret in spec.secretRef holds a username and password, a token, or an ssh identity that may read this repository"
		e.Err = nil
	case errors.Is(err, transport.ErrRepositoryNotFound):
		e.Reason = v1alpha1.ReasonRepositoryNotFound
		e.Message = host + " has no such repository, or the credentials may not see it; check spec.url and spec.secretRef"
		e.Err = nil
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		e.Reason = v1alpha1.ReasonEmptyRepository
		e.Message = "the repository has no commit yet; push one with a headway.yaml (headway init writes it)"
		e.Err = nil
	case isSHA256(err):
		e.Reason = v1alpha1.ReasonFetchFailed
		e.Message = "the repository uses SHA-256 object names, which Headway does not read yet; push its files to a repository made with \"git init --object-format=sha1\" (git's default) and set spec.url to that"
		e.Err = nil
	default:
		classifyNetwork(e, err, host, limits)
	}
	return e
}

// askForCredentials says what to do where a remote refused a look that brought
// no credentials.
func askForCredentials(err error, host string) error {
	var e *Error
	if !errors.As(err, &e) || e.Reason != v1alpha1.ReasonAuthenticationFailed {
		return err
	}
	return &Error{Reason: e.Reason, Message: host + " wants credentials and none are set; add them with headway repo add URL --username NAME --password-stdin (or --token-stdin), or name a Secret that holds them in spec.secretRef"}
}

func classifyNetwork(e *Error, err error, host string, limits Limits) {
	e.Reason = v1alpha1.ReasonUnreachable
	var (
		dns       *net.DNSError
		op        *net.OpError
		status    *githttp.Err
		authority x509.UnknownAuthorityError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		remote    *pktline.ErrorLine
	)
	switch {
	case errors.As(err, &dns):
		e.Message = "the name " + dns.Name + " cannot be resolved in the cluster; check spec.url and the cluster's DNS"
		e.Err = nil
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		e.Message = fmt.Sprintf("%s did not answer in time (%s for the refs, %s for the files); check that it is up and that this cluster may reach it", host, limits.RefsTimeout, limits.FetchTimeout)
		e.Err = nil
	case errors.As(err, &authority), errors.As(err, &hostname), errors.As(err, &invalid):
		e.Message = "the TLS certificate of " + host + " is not trusted; put the certificate of its authority into the key ca.crt of the Secret in spec.secretRef"
	case errors.As(err, &record):
		e.Message = host + " does not speak TLS on this port; check the scheme and port of spec.url"
	case errors.As(err, &status) && status.StatusCode() >= 500:
		e.Message = fmt.Sprintf("%s answered %d; it is tried again by itself", host, status.StatusCode())
		e.Err = nil
	case errors.As(err, &status) && status.StatusCode() == http.StatusTooManyRequests:
		e.Message = host + " says that it is asked too often; make spec.interval longer and let the forge send webhooks"
		e.Err = nil
	case errors.As(err, &status):
		e.Reason = v1alpha1.ReasonFetchFailed
		e.Message = fmt.Sprintf("%s answered %d; check that spec.url is the clone URL of a repository", host, status.StatusCode())
		e.Err = nil
	case errors.As(err, &op):
		e.Message = host + " cannot be reached; check spec.url, and that the host is up and this cluster may reach it"
	case errors.As(err, &remote):
		e.Reason = v1alpha1.ReasonFetchFailed
		e.Message = host + " said: " + oneLine(remote.Text)
		e.Err = nil
	default:
		e.Reason = v1alpha1.ReasonFetchFailed
		e.Message = "the answer of " + host + " is not that of a git server; check that spec.url is the clone URL of a repository"
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// isSSHAuth: x/crypto/ssh has no type for a refused authentication.
func isSSHAuth(err error) bool {
	return err != nil && strings.Contains(err.Error(), "ssh: unable to authenticate")
}

// isSHA256: go-git cannot read the first ref of a repository that uses SHA-256,
// and gives the line, on which the server names the format.
func isSHA256(err error) bool {
	var line *packp.ErrUnexpectedData
	return errors.As(err, &line) && bytes.Contains(line.Data, []byte("object-format=sha256"))
}

// oneLine makes a remote's text fit for a condition message.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "..."
	}
	return s
}

// size prints bytes as a person reads them.
func size(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 1<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
