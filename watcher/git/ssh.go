package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/crypto/ssh"
)

// sshSession runs git-upload-pack over ssh. go-git's own ssh transport reads
// the machine's ssh configuration, has no bound on the handshake and none on
// the advertisement, so only its encoding is used here.
type sshSession struct {
	client *ssh.Client
	stdin  io.WriteCloser
	stdout io.Reader
	stderr *stderrHead
	limits Limits
}

// dialSSH connects, checks the host key, authenticates and starts the program.
func dialSSH(ctx context.Context, ep *transport.Endpoint, config *ssh.ClientConfig, limits Limits) (packSession, error) {
	addr := sshAddress(ep)
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c, channels, requests, err := ssh.NewClientConn(conn, addr, config)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	s := &sshSession{client: ssh.NewClient(c, channels, requests), stderr: &stderrHead{}, limits: limits}
	if err := s.start(ep); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *sshSession) start(ep *transport.Endpoint) error {
	session, err := s.client.NewSession()
	if err != nil {
		return fmt.Errorf("opening an ssh session: %w", err)
	}
	if s.stdin, err = session.StdinPipe(); err != nil {
		return fmt.Errorf("opening an ssh session: %w", err)
	}
	if s.stdout, err = session.StdoutPipe(); err != nil {
		return fmt.Errorf("opening an ssh session: %w", err)
	}
	session.Stderr = s.stderr
	if err := session.Start("git-upload-pack " + quote(ep.Path)); err != nil {
		return fmt.Errorf("starting git-upload-pack over ssh: %w", err)
	}
	return nil
}

// AdvertisedReferencesContext reads the advertisement.
func (s *sshSession) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	stop := context.AfterFunc(ctx, func() { _ = s.client.Close() })
	defer stop()
	refs := packp.NewAdvRefs()
	// The pack follows on the same stream: pktline reads no byte too many.
	err := refs.Decode(http.MaxBytesReader(nil, io.NopCloser(s.stdout), s.limits.RefsBytes))
	switch {
	case errors.Is(err, packp.ErrEmptyAdvRefs), err == nil && refs.IsEmpty():
		return nil, transport.ErrEmptyRemoteRepository
	case errors.Is(err, packp.ErrEmptyInput):
		return nil, s.stderr.asError(s.client)
	case err != nil:
		return nil, err
	}
	transport.FilterUnsupportedCapabilities(refs.Capabilities)
	return refs, nil
}

// UploadPack asks for a pack. The connection ends with the context.
func (s *sshSession) UploadPack(ctx context.Context, req *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	var b bytes.Buffer
	if err := req.UploadRequest.Encode(&b); err != nil {
		return nil, fmt.Errorf("encoding the wanted commits: %w", err)
	}
	if err := req.UploadHaves.Encode(&b, true); err != nil {
		return nil, fmt.Errorf("encoding the known commits: %w", err)
	}
	if err := pktline.NewEncoder(&b).EncodeString("done\n"); err != nil {
		return nil, fmt.Errorf("encoding the end of the request: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = s.client.Close() })
	if _, err := s.stdin.Write(b.Bytes()); err != nil {
		return nil, fmt.Errorf("asking for a pack: %w", err)
	}
	res := packp.NewUploadPackResponse(req)
	return res, res.Decode(http.MaxBytesReader(nil, io.NopCloser(s.stdout), s.limits.PackBytes))
}

// Close ends the connection.
func (s *sshSession) Close() error { return s.client.Close() }

// stderrHead keeps the first kilobyte that the remote program complains with.
type stderrHead struct {
	mu   sync.Mutex
	head []byte
}

func (h *stderrHead) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.head = append(h.head, p[:min(len(p), 1024-len(h.head))]...)
	return len(p), nil
}

// How servers say that there is no such repository, or none for this key.
var (
	saysMissing = regexp.MustCompile(`(?i)not found|does not exist|does not appear to be a git repository|no such|could not be found`)
	saysRefused = regexp.MustCompile(`(?i)permission|denied|access|unauthorized`)
)

// asError is what an ssh server says instead of an advertisement. The program
// has ended, so its stderr is complete once the connection is.
func (h *stderrHead) asError(client *ssh.Client) error {
	_ = client.Close()
	_ = client.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case saysMissing.Match(h.head):
		return transport.ErrRepositoryNotFound
	case saysRefused.Match(h.head):
		return transport.ErrAuthorizationFailed
	case len(h.head) == 0:
		return io.ErrUnexpectedEOF
	}
	return &pktline.ErrorLine{Text: string(h.head)}
}

// quote makes s one word for a POSIX shell, the way git does.
func quote(s string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(s) + "'"
}
