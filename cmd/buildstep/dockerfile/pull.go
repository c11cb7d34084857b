package dockerfile

import (
	"fmt"
	"regexp"
	"strings"
)

// unresolved is BuildKit's last line where it did not get an image.
var unresolved = regexp.MustCompile(`(?:^|\n)error: failed to solve: .*\bfailed to resolve source metadata for (\S+): (.+)$`)

// requestLine is the start of what BuildKit says of a failed request.
var requestLine = regexp.MustCompile(`^.*failed to do request: \w+ "[^"]*": `)

// preambles are those of an authorization that failed.
var preambles = regexp.MustCompile(`^(?:failed to authorize: |failed to fetch (?:anonymous|oauth) token: )+`)

// refused is what registries say that want credentials.
var refused = regexp.MustCompile(`401 Unauthorized|403 Forbidden|pull access denied`)

// pullProblem says of a build that ended because an image could not be pulled
// which one it was, who was asked for it and what to do. BuildKit names neither
// mirror nor network: an image that the mirror lacks is "not found" to it, also
// where the registry behind the mirror could not be asked. Nil where the build
// ended for another reason.
func pullProblem(log, mirror string) error {
	parts := unresolved.FindStringSubmatch(strings.TrimSpace(log))
	if parts == nil {
		return nil
	}
	image, cause := parts[1], parts[2]
	registry, _, _ := strings.Cut(image, "/")
	cause = strings.TrimPrefix(requestLine.ReplaceAllString(cause, ""), image+": ")
	return fmt.Errorf("image %s could not be pulled (%s): %s", image, preambles.ReplaceAllString(cause, ""), pullAdvice(registry, cause, mirror))
}

// pullAdvice says who was asked and what to do.
func pullAdvice(registry, cause, mirror string) string {
	switch {
	case refused.MatchString(cause):
		return registry + " was asked without credentials, which builds do not have; use an image that anybody may pull, and check its name"
	case registry != "docker.io":
		return fmt.Sprintf("%s was asked; check the name, and that build pods have a route to %s", registry, registry)
	case mirror == "":
		return "docker.io was asked, and no mirror is set; check the name, give build pods a route to docker.io, or name a mirror that has the image as HEADWAY_MIRROR in the ConfigMap build-env of the build namespace"
	}
	return fmt.Sprintf("the mirror %s was asked first, then docker.io; check the name, push the image into the mirror, or give build pods a route to docker.io", mirror)
}
