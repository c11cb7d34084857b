package webhook

import (
	"net/url"
	"regexp"
	"strings"
)

var scpForm = regexp.MustCompile(`^(?:[A-Za-z0-9._-]+@)?([A-Za-z0-9.-]+):([^/].*|/.*)$`)

// Normalize gives the same text for every URL of one repository: host and
// path, lower case, without scheme, user, port and .git. It is "" for what is
// not a repository's URL. Forges send several forms, and none has to be the one
// in spec.url; that two repositories share a form costs one needless look.
func Normalize(raw string) string {
	raw = strings.TrimSpace(raw)
	if len(raw) > 2048 {
		return ""
	}
	var host, path string
	if strings.Contains(raw, "://") {
		u, err := url.Parse(raw)
		if err != nil {
			return ""
		}
		switch strings.ToLower(u.Scheme) {
		case "http", "https", "ssh", "git", "git+ssh":
		default:
			return ""
		}
		host, path = u.Hostname(), u.Path
	} else if m := scpForm.FindStringSubmatch(raw); m != nil {
		host, path = m[1], m[2]
	}
	path = strings.Trim(path, "/")
	path = strings.TrimSuffix(path, ".git")
	path = strings.Trim(path, "/")
	if host == "" || path == "" {
		return ""
	}
	return strings.ToLower(strings.TrimSuffix(host, ".") + "/" + path)
}
