package static

import (
	"path"
	"regexp"
	"strings"

	server "github.com/headway-dev/headway/cmd/staticserver/site"
)

// What a repository holds beside its site, by names in lower case. It lies at
// the top of the app's folder, so only there is it looked for: deeper down, and
// in a folder that build.args.dir names, a file of such a name is content.
var (
	repositoryText = regexp.MustCompile(`^(?:readme|licen[cs]e|copying|contributing|changelog)(?:\.txt|\.rst|\.adoc)?$`)
	toolFile       = regexp.MustCompile(`^(?:makefile|dockerfile(?:\..*)?|(?:docker-)?compose\.ya?ml|package\.json|package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?)$`)
)

// ofRepository reports whether a file of an app's folder belongs to the
// repository rather than to the site.
func ofRepository(name string) bool {
	if path.Dir(name) != "." {
		return false
	}
	name = strings.ToLower(name)
	return path.Ext(name) == ".md" || repositoryText.MatchString(name) || toolFile.MatchString(name)
}

// hidden names are not published: what the server would not serve, and headway.yaml
// at the top of the folder.
func hidden(name string) bool { return server.Hidden(name) || name == "headway.yaml" }
