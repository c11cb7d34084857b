package push

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// keychain holds the credentials of a .dockerconfigjson by registry host or
// host/path. Nothing else, such as a file in the home folder or a cloud's
// metadata server, is asked.
type keychain map[string]authn.AuthConfig

// readKeychain reads dir/.dockerconfigjson; an empty dir or a missing file give
// an empty keychain.
func readKeychain(dir string) (keychain, error) {
	if dir == "" {
		return nil, nil
	}
	data, err := os.ReadFile(filepath.Join(dir, ".dockerconfigjson"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading registry credentials: %w", err)
	}
	var file struct {
		Auths map[string]struct {
			Username, Password, Auth, IdentityToken, RegistryToken string
		}
	}
	if err := json.Unmarshal(data, &file); err != nil {
		// The decoder's message may quote the file.
		return nil, errors.New("reading registry credentials: .dockerconfigjson is not valid JSON")
	}
	keys := keychain{}
	for registry, entry := range file.Auths {
		config := authn.AuthConfig{
			Username: entry.Username, Password: entry.Password,
			IdentityToken: entry.IdentityToken, RegistryToken: entry.RegistryToken,
		}
		if entry.Auth != "" {
			decoded, err := base64.StdEncoding.DecodeString(entry.Auth)
			user, password, ok := strings.Cut(string(decoded), ":")
			if err != nil || !ok {
				return nil, fmt.Errorf("reading registry credentials: auth of %s is not base64 of user:password", registry)
			}
			config.Username, config.Password = user, strings.TrimRight(password, "\x00")
		}
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

// Resolve finds the credentials for a repository: those of the longest prefix
// of its name, down to the host.
func (k keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	for prefix := target.String(); prefix != ""; {
		if config, ok := k[prefix]; ok {
			return authn.FromConfig(config), nil
		}
		cut := strings.LastIndex(prefix, "/")
		if cut < 0 {
			break
		}
		prefix = prefix[:cut]
	}
	return authn.Anonymous, nil
}
