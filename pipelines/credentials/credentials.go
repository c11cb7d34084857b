// Package credentials finds the credentials of registries in a .dockerconfigjson.
// Nothing else, such as a file in the home folder or a cloud's metadata server, is
// asked, and no error quotes what was read.
package credentials

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// Keychain holds credentials by registry host or host/path. None is valid.
type Keychain map[string]authn.AuthConfig

// Parse reads the content of a .dockerconfigjson.
func Parse(content []byte) (Keychain, error) {
	var file struct{ Auths map[string]authn.AuthConfig }
	if err := json.Unmarshal(content, &file); err != nil {
		// The decoder's message may quote the content.
		return nil, errors.New("reading registry credentials: not valid JSON whose auths have username and password, or auth as base64 of both with a colon between")
	}
	keys := Keychain{}
	for registry, config := range file.Auths {
		config.Password = strings.TrimRight(config.Password, "\x00")
		keys[normalize(registry)] = config
	}
	return keys, nil
}

// normalize strips what older tools write around the host.
func normalize(registry string) string {
	registry = strings.TrimPrefix(strings.TrimPrefix(registry, "https://"), "http://")
	registry = strings.TrimSuffix(strings.TrimSuffix(registry, "/"), "/v1")
	if registry == "docker.io" || registry == "registry-1.docker.io" {
		return name.DefaultRegistry
	}
	return registry
}

// Resolve finds the credentials for a repository: those of the longest prefix of
// its name, down to the host.
func (k Keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	for prefix, cut := target.String(), 0; cut >= 0; prefix = prefix[:max(cut, 0)] {
		if config, ok := k[prefix]; ok {
			return authn.FromConfig(config), nil
		}
		cut = strings.LastIndex(prefix, "/")
	}
	return authn.Anonymous, nil
}
