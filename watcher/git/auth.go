package git

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/credentials"
)

// defaultUser goes with a token: forges that take tokens ignore the name, but
// want one.
const defaultUser = "headway"

// httpAuth reads username and password, or token. No Secret, or one with
// certificates only, means none.
func httpAuth(secret map[string][]byte) (*githttp.BasicAuth, error) {
	if secret == nil || len(secret) == 1 && len(secret[credentials.KeyCA]) > 0 {
		return nil, nil
	}
	password := cmp.Or(credentials.Text(secret, credentials.KeyToken), credentials.Text(secret, credentials.KeyPassword))
	if password == "" {
		return nil, secretInvalid("the Secret in spec.secretRef needs the keys username and password, or token, for an http(s) url")
	}
	return &githttp.BasicAuth{Username: cmp.Or(credentials.Text(secret, credentials.KeyUsername), defaultUser), Password: password}, nil
}

// sshConfig reads identity and known_hosts. The host key is always checked.
func sshConfig(ep *transport.Endpoint, secret map[string][]byte) (*ssh.ClientConfig, error) {
	if len(secret[credentials.KeyIdentity]) == 0 {
		return nil, secretInvalid("an ssh url needs a Secret in spec.secretRef with the keys identity (a private key) and known_hosts")
	}
	signer, err := ssh.ParsePrivateKey(secret[credentials.KeyIdentity])
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		return nil, secretInvalid("the key identity in the Secret has a passphrase; make one without: ssh-keygen -t ed25519 -N '' -f headway")
	case err != nil:
		return nil, secretInvalid("the key identity in the Secret is not a private key in PEM form; make one: ssh-keygen -t ed25519 -N '' -f headway")
	}
	addr := sshAddress(ep)
	if len(secret[credentials.KeyKnownHosts]) == 0 {
		return nil, hostKeyUnknown(ep, "the Secret in spec.secretRef has no known_hosts")
	}
	check, err := knownHosts(secret[credentials.KeyKnownHosts])
	if err != nil {
		return nil, secretInvalid("known_hosts in the Secret cannot be read; make it with: " + keyscan(ep)).because(err)
	}
	return &ssh.ClientConfig{
		User:              cmp.Or(ep.User, "git"),
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback:   explainHostKey(ep, check),
		HostKeyAlgorithms: hostKeyAlgorithms(check, addr),
	}, nil
}

// knownHosts parses a known_hosts file. The parser reads files only.
func knownHosts(data []byte) (ssh.HostKeyCallback, error) {
	dir, err := os.MkdirTemp("", "known-hosts-")
	if err != nil {
		return nil, fmt.Errorf("creating a folder for known_hosts: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "known_hosts")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return nil, fmt.Errorf("writing known_hosts: %w", err)
	}
	return knownhosts.New(file)
}

// explainHostKey turns a refused host key into a message that says what to do.
func explainHostKey(ep *transport.Endpoint, check ssh.HostKeyCallback) ssh.HostKeyCallback {
	return func(hostname string, remote net.Addr, key ssh.PublicKey) error {
		err := check(hostname, remote, key)
		if err == nil {
			return nil
		}
		var mismatch *knownhosts.KeyError
		if errors.As(err, &mismatch) && len(mismatch.Want) > 0 {
			return hostKeyUnknown(ep, "the host key of "+ep.Host+" is not the one in known_hosts; somebody may be in the middle. If the key was changed on purpose")
		}
		return hostKeyUnknown(ep, "known_hosts in the Secret has no key of "+ep.Host)
	}
}

// hostKeyAlgorithms are those of the keys known for addr, so that the server
// does not choose a key that is not in the file. Nil when none is known.
func hostKeyAlgorithms(check ssh.HostKeyCallback, addr string) []string {
	var unknown *knownhosts.KeyError
	err := check(addr, &net.TCPAddr{IP: net.IPv4zero}, noKey{})
	if !errors.As(err, &unknown) {
		return nil
	}
	var algorithms []string
	for _, known := range unknown.Want {
		switch t := known.Key.Type(); t {
		case ssh.KeyAlgoRSA:
			algorithms = append(algorithms, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
		default:
			algorithms = append(algorithms, t)
		}
	}
	return algorithms
}

// noKey is a key that no file holds. It is compared only.
type noKey struct{ ssh.PublicKey }

func (noKey) Type() string    { return "none" }
func (noKey) Marshal() []byte { return []byte("none") }

func sshAddress(ep *transport.Endpoint) string {
	return net.JoinHostPort(strings.Trim(ep.Host, "[]"), strconv.Itoa(cmp.Or(ep.Port, 22)))
}

func hostKeyUnknown(ep *transport.Endpoint, problem string) *Error {
	return failure(v1alpha1.ReasonHostKeyUnknown, "%s: put the output of %q into the key known_hosts of the Secret, after comparing it with what the host publishes", problem, keyscan(ep))
}

func keyscan(ep *transport.Endpoint) string {
	if ep.Port == 0 || ep.Port == 22 {
		return "ssh-keyscan " + ep.Host
	}
	return fmt.Sprintf("ssh-keyscan -p %d %s", ep.Port, ep.Host)
}

func secretInvalid(message string) *Error {
	return failure(v1alpha1.ReasonSecretInvalid, "%s", message)
}
