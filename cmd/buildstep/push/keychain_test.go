package push

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

func TestKeychain(t *testing.T) {
	dir := t.TempDir()
	content := `{"auths":{
		"https://index.docker.io/v1/":{"username":"hub","password":"p"},
		"registry.example.com":{"username":"host","password":"p"},
		"registry.example.com/team/app":{"username":"team","password":"p"},
		"token.example.com":{"registrytoken":"t"}}}`
	if err := os.WriteFile(filepath.Join(dir, ".dockerconfigjson"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := readKeychain(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		repository string
		want       authn.AuthConfig
	}{
		{"library/busybox", authn.AuthConfig{Username: "hub", Password: "p"}},
		{"registry.example.com/other", authn.AuthConfig{Username: "host", Password: "p"}},
		{"registry.example.com/team/app", authn.AuthConfig{Username: "team", Password: "p"}},
		{"registry.example.com/team/apple", authn.AuthConfig{Username: "host", Password: "p"}},
		{"token.example.com/x", authn.AuthConfig{RegistryToken: "t"}},
		{"elsewhere.example.com/x", authn.AuthConfig{}},
	} {
		repository, err := name.NewRepository(test.repository)
		if err != nil {
			t.Fatal(err)
		}
		authenticator, err := keys.Resolve(repository)
		if err != nil {
			t.Fatal(err)
		}
		got, err := authenticator.Authorization()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, *got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.repository, diff)
		}
	}
}

func TestKeychainRefusesAndTellsNoSecret(t *testing.T) {
	for _, content := range []string{`{"auths": hunter2`, `{"auths":{"r":{"auth":"hunter2"}}}`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ".dockerconfigjson"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readKeychain(dir); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error = %v", err)
		}
	}
}
