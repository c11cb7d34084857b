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
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/crypto/ssh"
)

// sshSession runs git-upload-pack or git-receive-pack over ssh. go-git's own ssh transport reads
// the machine's ssh configuration, has no bound on the handshake and none on
// the advertisement, so only its encoding is used here.
type sshSession struct {
	client  *ssh.Client
	session *ssh.Session
	program string
	stdin   io.WriteCloser
	stdout  io.Reader
	stderr  *head
	limits  Limits
}

// dialSSH connects, checks the host key, authenticates and starts the program.
func dialSSH(ctx context.Context, ep *transport.Endpoint, config *ssh.ClientConfig, program string, limits Limits) (*sshSession, error) {
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
	s := &sshSession{client: ssh.NewClient(c, channels, requests), program: program, stderr: &head{}, limits: limits}
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
	if err := session.Start(s.program + " " + quote(ep.Path)); err != nil {
		return fmt.Errorf("starting %s over ssh: %w", s.program, err)
	}
	s.session = session
	return nil
}

// AdvertisedReferencesContext reads the advertisement.
func (s *sshSession) AdvertisedReferencesContext(ctx context.Context) (*packp.AdvRefs, error) {
	stop := context.AfterFunc(ctx, func() { _ = s.client.Close() })
	defer stop()
	refs := packp.NewAdvRefs()
	// The pack follows on the same stream: pktline reads no byte too many.
	err := refs.Decode(advertised(ctx, http.MaxBytesReader(nil, io.NopCloser(s.stdout), s.limits.RefsBytes)))
	switch {
	case errors.Is(err, packp.ErrEmptyAdvRefs), err == nil && refs.IsEmpty():
		return nil, transport.ErrEmptyRemoteRepository
	case errors.Is(err, packp.ErrEmptyInput):
		return nil, s.saidInstead()
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

// ReceivePack pushes. The connection ends with the context.
func (s *sshSession) ReceivePack(ctx context.Context, req *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	stop := context.AfterFunc(ctx, func() { _ = s.client.Close() })
	defer stop()
	if err := req.Encode(s.stdin); err != nil {
		return nil, fmt.Errorf("pushing: %w", err)
	}
	answer := io.Reader(http.MaxBytesReader(nil, io.NopCloser(s.stdout), s.limits.RefsBytes))
	if req.Capabilities.Supports(capability.Sideband64k) {
		demuxer := sideband.NewDemuxer(sideband.Sideband64k, answer)
		demuxer.Progress = req.Progress
		answer = demuxer
	}
	report := packp.NewReportStatus()
	if err := report.Decode(answer); err != nil {
		return nil, err
	}
	return report, report.Error()
}

// Close ends the connection.
func (s *sshSession) Close() error { return s.client.Close() }

// head keeps the first kilobyte of what a remote says.
type head struct {
	mu   sync.Mutex
	text []byte
}

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.text = append(h.text, p[:min(len(p), 1024-len(h.text))]...)
	return len(p), nil
}

func (h *head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return string(h.text)
}

// How servers say that there is no such repository, or none for this key.
var (
	saysMissing = regexp.MustCompile(`(?i)not found|does not exist|does not appear to be a git repository|no such|could not be found`)
	saysRefused = regexp.MustCompile(`(?i)permission|denied|access|unauthorized`)
)

// lastWords is how long a program has to end that has nothing more to say.
const lastWords = 2 * time.Second

// saidInstead is what an ssh server says instead of an advertisement. Its stderr
// may come after the end of its stdout, and is complete when the program has ended.
// Why nothing may be pushed is said in too many ways to tell apart.
func (s *sshSession) saidInstead() error {
	late := time.AfterFunc(lastWords, func() { _ = s.client.Close() })
	_ = s.session.Wait()
	late.Stop()
	_ = s.client.Close()
	switch said := s.stderr.String(); {
	case said == "":
		return io.ErrUnexpectedEOF
	case s.program == transport.ReceivePackServiceName:
		return &pktline.ErrorLine{Text: said}
	case saysMissing.MatchString(said):
		return transport.ErrRepositoryNotFound
	case saysRefused.MatchString(said):
		return transport.ErrAuthorizationFailed
	default:
		return &pktline.ErrorLine{Text: said}
	}
}

// quote makes s one word for a POSIX shell, the way git does.
func quote(s string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(s) + "'"
}
