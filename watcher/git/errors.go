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

// failure is an *Error whose message says everything.
func failure(reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// because adds a cause that says more than the message.
func (e *Error) because(err error) *Error {
	e.Err = err
	return e
}

// ErrCorrupt marks a cache whose objects cannot be read. The cache has to be
// reset and fetched again.
var ErrCorrupt = errors.New("git cache is corrupt")

// ErrNotCommit: git lets a tag point at a file or a folder.
var ErrNotCommit = errors.New("not a commit")

// AsError gives err as an *Error; what is not one yet, and not of the disk,
// becomes FetchFailed.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	if e := diskFailure(err); e != nil {
		return e
	}
	return failure(v1alpha1.ReasonFetchFailed, "the repository could not be synced").because(err)
}

// classify turns an error of the network, of ssh, of go-git or of the disk into
// an *Error.
func classify(err error, host string, limits Limits) error {
	if e := diskFailure(err); e != nil && !errors.As(err, new(*Error)) {
		return e
	}
	var slow *slowError
	switch {
	case errors.As(err, new(*Error)):
		return err
	case errors.As(err, &slow):
		return tooSlow(host, slow)
	case errors.As(err, new(*http.MaxBytesError)):
		return failure(v1alpha1.ReasonTooLarge, "the repository is larger than the limits (%s of refs, %s of files in one fetch); split it, or move large files to LFS or an object store",
			size(limits.RefsBytes), size(limits.PackBytes))
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed), isSSHAuth(err):
		return failure(v1alpha1.ReasonAuthenticationFailed, "%s refused the credentials; check that the Secret in spec.secretRef holds a username and password, a token, or an ssh identity that may read this repository", host)
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return failure(v1alpha1.ReasonRepositoryNotFound, "%s has no such repository, or the credentials may not see it; check spec.url and spec.secretRef", host)
	case errors.Is(err, transport.ErrEmptyRemoteRepository):
		return failure(v1alpha1.ReasonEmptyRepository, "the repository has no commit yet; push one with a headway.yaml (headway init writes it)")
	case isSHA256(err):
		return failure(v1alpha1.ReasonFetchFailed, "the repository uses SHA-256 object names, which Headway does not read yet; push its files to a repository made with \"git init --object-format=sha1\" (git's default) and set spec.url to that")
	}
	return classifyNetwork(err, host, limits)
}

// askForCredentials says what to do where a remote refused a look that brought
// no credentials.
func askForCredentials(err error, host string) error {
	var e *Error
	if !errors.As(err, &e) || e.Reason != v1alpha1.ReasonAuthenticationFailed {
		return err
	}
	return failure(e.Reason, "%s wants credentials and none are set; add them with headway repo add URL --username NAME --password-stdin (or --token-stdin), or name a Secret that holds them in spec.secretRef", host)
}

func classifyNetwork(err error, host string, limits Limits) *Error {
	var (
		dns    *net.DNSError
		status *githttp.Err
		remote *pktline.ErrorLine
	)
	switch {
	case errors.As(err, &dns):
		return failure(v1alpha1.ReasonUnreachable, "the name %s cannot be resolved in the cluster; check spec.url and the cluster's DNS", dns.Name)
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return failure(v1alpha1.ReasonUnreachable, "%s did not answer in time (%s for the refs, %s for the files); check that it is up and that this cluster may reach it", host, limits.RefsTimeout, limits.FetchTimeout)
	case errors.As(err, new(x509.UnknownAuthorityError)), errors.As(err, new(x509.HostnameError)), errors.As(err, new(x509.CertificateInvalidError)):
		return failure(v1alpha1.ReasonUnreachable, "the TLS certificate of %s is not trusted; put the certificate of its authority into the key ca.crt of the Secret in spec.secretRef", host).because(err)
	case errors.As(err, new(tls.RecordHeaderError)):
		return failure(v1alpha1.ReasonUnreachable, "%s does not speak TLS on this port; check the scheme and port of spec.url", host).because(err)
	case errors.As(err, &status) && status.StatusCode() >= 500:
		return failure(v1alpha1.ReasonUnreachable, "%s answered %d; it is tried again by itself", host, status.StatusCode())
	case errors.As(err, &status) && status.StatusCode() == http.StatusTooManyRequests:
		return failure(v1alpha1.ReasonUnreachable, "%s says that it is asked too often; make spec.interval longer and let the forge send webhooks", host)
	case errors.As(err, &status):
		return failure(v1alpha1.ReasonFetchFailed, "%s answered %d; check that spec.url is the clone URL of a repository", host, status.StatusCode())
	case errors.As(err, new(*net.OpError)):
		return failure(v1alpha1.ReasonUnreachable, "%s cannot be reached; check spec.url, and that the host is up and this cluster may reach it", host).because(err)
	case errors.As(err, &remote):
		return failure(v1alpha1.ReasonFetchFailed, "%s said: %s", host, oneLine(remote.Text))
	}
	return failure(v1alpha1.ReasonFetchFailed, "the answer of %s is not that of a git server; check that spec.url is the clone URL of a repository", host).because(err)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// isSSHAuth: x/crypto/ssh has no type for a refused authentication.
func isSSHAuth(err error) bool {
	return strings.Contains(err.Error(), "ssh: unable to authenticate")
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
