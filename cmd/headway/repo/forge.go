package repo

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/cmd/headway/cli"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
)

// forgeFlags say who knows the pull requests of a repository, and with which
// credentials to ask.
type forgeFlags struct {
	kind, apiURL string
	tokenIn      bool
	appID        string
	keyFile      string
}

var forgeKinds = []string{"auto", "github", "gitlab", "gitea"}

func (f *forgeFlags) flags(fl *pflag.FlagSet) {
	fl.StringVar(&f.kind, "forge", "", "server of its pull requests: auto (asks the server of URL), github, gitlab or gitea (Forgejo too)")
	fl.StringVar(&f.apiURL, "forge-url", "", "where the forge's API is, such as https://git.example.com/api/v3 (default: on the server of URL)")
	fl.BoolVar(&f.tokenIn, "forge-token-stdin", false, "read a token for the forge from standard input (default: the credentials of URL)")
	fl.StringVar(&f.appID, "app-id", "", "id, or client id, of a GitHub App, in the place of a token")
	fl.StringVar(&f.keyFile, "private-key", "", "file with the private key of the GitHub App")
}

// check refuses flags that make no sense together.
func (f *forgeFlags) check() error {
	if f.kind == "" && *f != (forgeFlags{}) {
		return cli.Usagef("--forge-url, --forge-token-stdin, --app-id and --private-key go with --forge")
	}
	if f.kind != "" && !slices.Contains(forgeKinds, f.kind) {
		return cli.Usagef("--forge is %q; it is one of %s", f.kind, strings.Join(forgeKinds, ", "))
	}
	if f.apiURL != "" {
		u, err := url.Parse(f.apiURL)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
			return cli.Usagef("--forge-url must start with https:// or http:// and name a host")
		case u.User != nil:
			return cli.Usagef("--forge-url must not contain credentials; use --forge-token-stdin")
		}
	}
	switch {
	case (f.appID != "") != (f.keyFile != ""):
		return cli.Usagef("--app-id and --private-key go together")
	case f.appID != "" && f.tokenIn:
		return cli.Usagef("--forge-token-stdin and --app-id exclude each other")
	case f.appID != "" && f.kind != "github" && f.kind != "auto":
		return cli.Usagef("--app-id is for GitHub; a forge of type %s wants --forge-token-stdin", f.kind)
	}
	return nil
}

// read is the Secret of the forge, nil where it has none of its own.
func (f *forgeFlags) read(in io.Reader, _ string) (*secret, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	s := &secret{suffix: "-forge", refer: func(spec *v1alpha1.RepositorySpec, ref corev1.LocalObjectReference) { spec.Forge.SecretRef = &ref }}
	switch {
	case f.tokenIn:
		token, err := secretFrom(in, "the forge's token")
		s.data = map[string][]byte{"token": token}
		return s, err
	case f.appID != "":
		key, err := readAppKey(f.keyFile)
		s.data = map[string][]byte{"appID": []byte(f.appID), "privateKey": key}
		return s, err
	}
	return nil, nil
}

// into puts what the flags say into a Repository.
func (f *forgeFlags) into(spec *v1alpha1.RepositorySpec) {
	if f.kind == "" {
		return
	}
	if spec.Forge == nil {
		spec.Forge = &v1alpha1.Forge{}
	}
	spec.Forge.Type = f.kind
	if f.apiURL != "" {
		spec.Forge.APIURL = f.apiURL
	}
}

// readAppKey reads the private key of a GitHub App, which is an RSA key.
func readAppKey(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading --private-key: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s is not a private key in PEM form; GitHub gives one out on the page of the App", file)
	}
	if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return data, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if _, isRSA := key.(*rsa.PrivateKey); err != nil || !isRSA {
		return nil, fmt.Errorf("%s is not an RSA private key; GitHub gives one out on the page of the App", file)
	}
	return data, nil
}
