package pool

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/forge"
	"github.com/headway-dev/headway/watcher/forge/gitea"
	"github.com/headway-dev/headway/watcher/forge/github"
	"github.com/headway-dev/headway/watcher/forge/gitlab"
)

// place is where a repository is, as its URL says.
type place struct {
	// site is the server, as https or http reach it.
	site *url.URL
	// path has the segments of the repository's path: its owner and name at least.
	path []string
}

var scpForm = regexp.MustCompile(`^[A-Za-z0-9._-]+@([A-Za-z0-9.-]+):(.+)$`)

// sshHosts are the servers of forges that speak ssh on the port of https, and
// those that they belong to.
var sshHosts = map[string]string{"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}

// locate reads the URL of a repository.
func locate(raw string) (place, error) {
	p := place{site: &url.URL{Scheme: "https"}}
	path := ""
	if m := scpForm.FindStringSubmatch(raw); m != nil && !strings.Contains(raw, "://") {
		p.site.Host, path = m[1], m[2]
	} else if u, err := url.Parse(raw); err == nil {
		p.site.Host, path = u.Host, u.Path
		switch u.Scheme {
		case "ssh":
			p.site.Host = u.Hostname() // its port is not that of the API
			if strings.Contains(p.site.Host, ":") {
				p.site.Host = "[" + p.site.Host + "]"
			}
		case "http":
			p.site.Scheme = u.Scheme
		}
	}
	p.site.Host = strings.ToLower(p.site.Host)
	if host, ok := sshHosts[p.site.Host]; ok {
		p.site.Host = host
	}
	p.path = strings.Split(strings.TrimSuffix(strings.Trim(path, "/"), ".git"), "/")
	bad := func(segment string) bool { return strings.Trim(segment, ".") == "" }
	if p.site.Host == "" || len(p.path) < 2 || slices.ContainsFunc(p.path, bad) {
		return place{}, forge.Errorf(v1alpha1.ReasonInvalidURL, "spec.url names no owner and repository, as https://host/owner/name.git does, so that the forge cannot be asked about its pull requests; correct it, or remove spec.forge")
	}
	return p, nil
}

// ownerAndName are the last two segments: what is before them is where the forge
// is below its server.
func (p place) ownerAndName() (owner, name string) {
	return p.path[len(p.path)-2], p.path[len(p.path)-1]
}

// prefix is where the forge is below its server, if all but the last two segments
// are that.
func (p place) prefix() *url.URL { return p.site.JoinPath(p.path[:len(p.path)-2]...) }

// known is the type of forges whose names tell it; "" for others.
func known(host string) string {
	switch {
	case host == "github.com", strings.HasSuffix(host, ".ghe.com"):
		return github.Name
	case host == "gitlab.com":
		return gitlab.Name
	case host == "codeberg.org", host == "gitea.com":
		return gitea.Name
	}
	return ""
}

// typeOfAPI is the type of forges whose API has this address; "" where that does
// not tell it.
func typeOfAPI(api *url.URL) string {
	switch path := strings.TrimRight(api.Path, "/"); {
	case api.Hostname() == "api.github.com", strings.HasSuffix(path, "/api/v3"):
		return github.Name
	case strings.HasSuffix(path, "/api/v4"):
		return gitlab.Name
	case strings.HasSuffix(path, "/api/v1"):
		return gitea.Name
	}
	return ""
}
