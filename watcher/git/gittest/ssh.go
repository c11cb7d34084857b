package gittest

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// SSH is an ssh server that runs git-upload-pack and git-receive-pack, and lets
// one key in.
type SSH struct {
	// Root holds the bare repositories.
	Root string
	// Addr is host:port.
	Addr string
	// Identity is the PEM of the key that is let in; KnownHosts the line of
	// the server.
	Identity, KnownHosts []byte
	// ReadOnly: the key may not push.
	ReadOnly bool

	ctx context.Context // of the test
}

// NewSSH serves the bare repositories in root.
func NewSSH(t testing.TB, root string) *SSH {
	t.Helper()
	clientPEM, clientKey := Key(t)
	_, hostKey := Key(t)
	config := &ssh.ServerConfig{
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if string(key.Marshal()) != string(clientKey.PublicKey().Marshal()) {
				return nil, fmt.Errorf("unknown key")
			}
			return nil, nil
		},
	}
	config.AddHostKey(hostKey)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &SSH{ctx: t.Context(), Root: root, Addr: listener.Addr().String(), Identity: clientPEM,
		KnownHosts: []byte(knownhosts.Line([]string{knownhosts.Normalize(listener.Addr().String())}, hostKey.PublicKey()) + "\n")}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { s.serve(conn, config) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		running.Wait()
	})
	return s
}

// CloneURL of a repository.
func (s *SSH) CloneURL(r *Repo) string { return "ssh://git@" + s.Addr + "/" + r.Name }

// Key makes a private key: its PEM and its signer.
func Key(t testing.TB) ([]byte, ssh.Signer) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "test")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block), signer
}

func (s *SSH) serve(conn net.Conn, config *ssh.ServerConfig) {
	server, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		for request := range requests {
			if request.Type != "exec" {
				_ = request.Reply(false, nil)
				continue
			}
			_ = request.Reply(true, nil)
			s.run(channel, string(request.Payload[4:]))
			break
		}
		_ = channel.Close()
	}
}

// run executes git-upload-pack '/name', or git-receive-pack, as a forge would.
func (s *SSH) run(channel ssh.Channel, command string) {
	program, name, _ := strings.Cut(command, " ")
	if program == "git-receive-pack" && s.ReadOnly {
		_, _ = io.WriteString(channel.Stderr(), "ERROR: The key you are authenticating with has been marked as read only.\n")
		exit(channel, 1)
		return
	}
	cmd := exec.CommandContext(s.ctx, "git", strings.TrimPrefix(program, "git-"), filepath.Join(s.Root, strings.Trim(name, "'/")))
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return
	}
	cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
	if err := cmd.Start(); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(stdin, channel)
		_ = stdin.Close()
	}()
	if cmd.Wait() != nil {
		exit(channel, 128)
		return
	}
	exit(channel, 0)
}

func exit(channel ssh.Channel, status uint32) {
	_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
}
