package repo

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
)

// credentialFlags say which credentials a remote wants and where to read them.
type credentialFlags struct {
	username          string
	passwordIn, token bool
	sshKey, hosts     string
}

func (f *credentialFlags) flags(fl *pflag.FlagSet) {
	fl.StringVar(&f.username, "username", "", "user name for an http(s) URL")
	fl.BoolVar(&f.passwordIn, "password-stdin", false, "read the password for --username from standard input")
	fl.BoolVar(&f.token, "token-stdin", false, "read an access token for an http(s) URL from standard input")
	fl.StringVar(&f.sshKey, "ssh-key", "", "file with the private key for an ssh URL")
	fl.StringVar(&f.hosts, "known-hosts", "", "file with the host key of an ssh URL, as ssh-keyscan prints it")
}

var scpLike = regexp.MustCompile(`^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:.+$`)

// checkURL refuses what the API would, with credentials first, so that they
// are not repeated in an answer of the API server.
func checkURL(raw string) error {
	if scpLike.MatchString(raw) {
		return nil
	}
	u, err := url.Parse(raw)
	web := err == nil && (u.Scheme == "https" || u.Scheme == "http")
	switch {
	case err != nil || u.Host == "" || !web && u.Scheme != "ssh":
		return cli.Usagef("URL must start with https://, http:// or ssh://, or have the form git@host:owner/name.git")
	case web && u.User != nil:
		return cli.Usagef("URL must not contain credentials; use --username with --password-stdin, or --token-stdin")
	}
	return nil
}

func isSSH(raw string) bool { return strings.HasPrefix(raw, "ssh://") || scpLike.MatchString(raw) }

// lastPart is the name of a repository in its URL.
func lastPart(raw string) string {
	return strings.TrimSuffix(path.Base(strings.ReplaceAll(raw, ":", "/")), ".git")
}

// stdinFlag is the flag that reads standard input.
func (f *credentialFlags) stdinFlag() string {
	if f.token {
		return "--token-stdin"
	}
	return "--password-stdin"
}

// read is the Secret with the credentials, nil when none are given.
func (f *credentialFlags) read(in io.Reader, remote string) (*secret, error) {
	data, err := f.data(in, remote)
	if err != nil || data == nil {
		return nil, err
	}
	return &secret{"-git", data, func(spec *v1alpha1.RepositorySpec, ref corev1.LocalObjectReference) { spec.SecretRef = &ref }}, nil
}

func (f *credentialFlags) data(in io.Reader, remote string) (map[string][]byte, error) {
	overHTTP := f.username != "" || f.passwordIn || f.token
	overSSH := f.sshKey != "" || f.hosts != ""
	switch {
	case overHTTP && isSSH(remote):
		return nil, cli.Usagef("--username, --password-stdin and --token-stdin are for http(s) URLs; this one wants --ssh-key and --known-hosts")
	case overSSH && !isSSH(remote):
		return nil, cli.Usagef("--ssh-key and --known-hosts are for ssh URLs; this one wants --username with --password-stdin, or --token-stdin")
	case f.passwordIn && f.token:
		return nil, cli.Usagef("--password-stdin and --token-stdin exclude each other")
	case (f.username != "") != f.passwordIn:
		return nil, cli.Usagef("--username and --password-stdin go together")
	case (f.sshKey != "") != (f.hosts != ""):
		return nil, cli.Usagef("--ssh-key and --known-hosts go together; ssh-keyscan HOST prints the host key, to be compared with what the forge publishes")
	case f.passwordIn:
		password, err := secretFrom(in, "the password")
		return map[string][]byte{"username": []byte(f.username), "password": password}, err
	case f.token:
		token, err := secretFrom(in, "the token")
		return map[string][]byte{"token": token}, err
	case f.sshKey != "":
		return f.readSSH()
	}
	return nil, nil
}

func (f *credentialFlags) readSSH() (map[string][]byte, error) {
	key, err := os.ReadFile(f.sshKey)
	if err != nil {
		return nil, fmt.Errorf("reading --ssh-key: %w", err)
	}
	if !bytes.Contains(key, []byte("PRIVATE KEY-----")) {
		return nil, fmt.Errorf("%s is not a private key; the file without .pub is", f.sshKey)
	}
	hosts, err := os.ReadFile(f.hosts)
	if err != nil {
		return nil, fmt.Errorf("reading --known-hosts: %w", err)
	}
	if len(bytes.TrimSpace(hosts)) == 0 {
		return nil, fmt.Errorf("%s is empty; ssh-keyscan HOST prints the host key", f.hosts)
	}
	return map[string][]byte{"identity": key, "known_hosts": hosts}, nil
}

// secretFrom reads one line's worth of secret.
func secretFrom(in io.Reader, what string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(in, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("reading %s from standard input: %w", what, err)
	}
	data = bytes.TrimRight(data, "\r\n")
	if len(data) == 0 {
		return nil, fmt.Errorf("reading %s from standard input: it is empty", what)
	}
	return data, nil
}
