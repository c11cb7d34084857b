package dockerfile

import (
	"fmt"
	"regexp"
	"strings"
)

// dockerHub is the registry that the mirror stands before.
const dockerHub = "docker.io"

// unresolved is BuildKit's last line where it did not get an image.
var unresolved = regexp.MustCompile(`^error: failed to solve: .*\bfailed to resolve source metadata for (\S+): (.+)$`)

// requestLine is the start of what BuildKit says of a failed request.
var requestLine = regexp.MustCompile(`^.*failed to do request: \w+ "[^"]*": `)

// pullProblem says of a build that ended because an image could not be pulled
// which one it was, who was asked for it and what to do. BuildKit names neither
// mirror nor network: an image that the mirror lacks is "not found" to it, also
// where the registry behind the mirror could not be asked. Nil where the build
// ended for another reason.
func pullProblem(log, mirror string) error {
	log = strings.TrimSpace(log)
	parts := unresolved.FindStringSubmatch(log[strings.LastIndexByte(log, '\n')+1:])
	if parts == nil {
		return nil
	}
	image, cause := parts[1], parts[2]
	registry, _, _ := strings.Cut(image, "/")
	cause = strings.TrimPrefix(requestLine.ReplaceAllString(cause, ""), image+": ")
	return fmt.Errorf("image %s could not be pulled (%s): %s", image, lastCause(cause), pullAdvice(registry, cause, mirror))
}

// lastCause leaves out the preambles of an authorization that failed.
func lastCause(cause string) string {
	for _, preamble := range []string{"failed to authorize: ", "failed to fetch anonymous token: ", "failed to fetch oauth token: "} {
		cause = strings.TrimPrefix(cause, preamble)
	}
	return cause
}

// pullAdvice says who was asked and what to do.
func pullAdvice(registry, cause, mirror string) string {
	for _, refused := range []string{"401 Unauthorized", "403 Forbidden", "pull access denied"} {
		if strings.Contains(cause, refused) {
			return registry + " was asked without credentials, which builds do not have; use an image that anybody may pull, and check its name"
		}
	}
	switch {
	case registry != dockerHub:
		return fmt.Sprintf("%s was asked; check the name, and that build pods have a route to %s", registry, registry)
	case mirror == "":
		return "docker.io was asked, and no mirror is set; check the name, give build pods a route to docker.io, or name a mirror that has the image as HEADWAY_MIRROR in the ConfigMap build-env of the build namespace"
	}
	return fmt.Sprintf("the mirror %s was asked first, then docker.io; check the name, push the image into the mirror, or give build pods a route to docker.io", mirror)
}
