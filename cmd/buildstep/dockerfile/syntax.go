package dockerfile

import (
	"regexp"
	"strconv"
)

// builtInMinor is the minor version of the docker/dockerfile:1 frontend that is
// compiled into the BuildKit of the build image (v0.26).
const builtInMinor = 20

// syntaxLine is the directive in the comments at the head of a Dockerfile.
var syntaxLine = regexp.MustCompile(`(?i)\A(?:#[^\n]*\n)*?#[ \t]*syntax[ \t]*=[ \t]*(\S+)`)

// standard is the usual frontend, of a stable release.
var standard = regexp.MustCompile(`^(?:docker\.io/)?docker/dockerfile(?::latest|:1(?:\.(\d+)(?:\.\d+)?)?)?$`)

// builtInSyntax is the frontend that a Dockerfile asks for where the built-in
// one does the same, else empty. BuildKit would pull it for each such build,
// which is slow and needs docker.io; told that it already is that frontend, it
// does not.
func builtInSyntax(dockerfile []byte) string {
	directive := syntaxLine.FindSubmatch(dockerfile)
	if directive == nil {
		return ""
	}
	asked := string(directive[1])
	version := standard.FindStringSubmatch(asked)
	if version == nil {
		return ""
	}
	if minor, err := strconv.Atoi(version[1]); err == nil && minor > builtInMinor {
		return ""
	}
	return asked
}
