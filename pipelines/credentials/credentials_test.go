package credentials

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

func TestResolve(t *testing.T) {
	keys, err := Parse(fmt.Appendf(nil, `{"auths":{
		"https://index.docker.io/v1/":{"username":"hub","password":"p"},
		"registry.example.com":{"username":"host","password":"p"},
		"registry.example.com/team/app":{"username":"team","password":"p"},
		"encoded.example.com":{"auth":%q},
		"token.example.com":{"registrytoken":"t"}}}`, base64.StdEncoding.EncodeToString([]byte("user:p:q\x00"))))
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
		{"encoded.example.com/x", authn.AuthConfig{Username: "user", Password: "p:q"}},
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
		if diff := cmp.Diff(test.want, *got, cmpopts.IgnoreFields(authn.AuthConfig{}, "Auth")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.repository, diff)
		}
	}
}

func TestParseRefusesAndTellsNoSecret(t *testing.T) {
	for _, content := range []string{`{"auths": hunter2`, `{"auths":{"r":{"auth":"hunter2"}}}`} {
		if _, err := Parse([]byte(content)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error = %v", err)
		}
	}
}
