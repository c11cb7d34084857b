package git

import (
	"context"
	"errors"
	"path"
	"regexp"
	"strings"

	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing/transport"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// ModulesFile says where submodules come from.
const ModulesFile = ".gitmodules"

// MaxModulesFile is the longest such file that is read, in bytes.
const MaxModulesFile = 256 << 10

// ModuleURLs reads a file .gitmodules: the URLs of the submodules, as they
// stand there, by path.
func ModuleURLs(data []byte) (map[string]string, error) {
	modules := config.NewModules()
	if err := modules.Unmarshal(data); err != nil {
		return nil, sourceIncomplete("%s cannot be read: %s", ModulesFile, oneLine(err.Error()))
	}
	urls := map[string]string{}
	for _, m := range modules.Submodules {
		urls[path.Clean(m.Path)] = m.URL
	}
	return urls, nil
}

// inURL are credentials that a URL carries.
var inURL = regexp.MustCompile(`//[^/@]*@`)

// WithoutCredentials is a URL as it may be shown.
func WithoutCredentials(url string) string { return oneLine(inURL.ReplaceAllString(url, "//")) }

// FetchSubmodule brings a commit of the repository at url, as it stands in the
// file .gitmodules of s's repository. It is asked for at the server of s, with
// the credentials of s: a URL on another server is refused, because neither a
// request nor a credential goes to where a commit says.
func (c *Cache) FetchSubmodule(ctx context.Context, s *Session, url, commit string) error {
	if c.Has(commit) {
		return nil
	}
	ep, err := submoduleEndpoint(s.endpoint, url)
	if err != nil {
		return err
	}
	sub, err := s.client.connect(ctx, ep, s.secret)
	if err != nil {
		return err
	}
	defer sub.Close()
	tip := commit
	if sub.adv.Head != nil {
		tip = sub.adv.Head.String()
	}
	found, err := c.FetchCommit(ctx, sub, commit, tip)
	if errors.Is(err, ErrNotAdvertised) || err == nil && !found {
		return sourceIncomplete("its repository has no commit %s; push it there (git push --recurse-submodules=on-demand), or set the submodule to a commit that is there", commit)
	}
	return err
}

// submoduleEndpoint is where a submodule is fetched. A relative URL counts from
// that of the repository. Of an absolute one on the same host the path counts:
// people write ssh URLs into .gitmodules where others clone over https.
func submoduleEndpoint(base *transport.Endpoint, url string) (*transport.Endpoint, error) {
	at := *base
	if strings.HasPrefix(url, "./") || strings.HasPrefix(url, "../") {
		at.Path = path.Join(base.Path, url)
		if at.Path == ".." || strings.HasPrefix(at.Path, "../") || strings.Trim(at.Path, "/.") == "" {
			return nil, sourceIncomplete("its URL %q leads out of the server; correct it in %s", oneLine(url), ModulesFile)
		}
		return &at, nil
	}
	other, err := endpoint(url)
	if err != nil {
		return nil, sourceIncomplete("its URL in %s is not one of a repository; use a relative one, such as ../lib.git", ModulesFile)
	}
	if !strings.EqualFold(other.Host, base.Host) || other.Protocol == base.Protocol && other.Port != base.Port {
		return nil, sourceIncomplete("it is on %s, and submodules are fetched from the server of spec.url alone (%s); put a copy of it there and its URL into %s, or commit its files", other.Host, base.Host, ModulesFile)
	}
	at.Path = other.Path
	return &at, nil
}

func sourceIncomplete(format string, args ...any) *Error {
	return failure(v1alpha1.ReasonSourceIncomplete, format, args...)
}
