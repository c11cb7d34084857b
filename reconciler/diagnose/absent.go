package diagnose

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// absentFile is what Go programs log of a file, or of templates, that they do
// not find below the folder in which they start.
var absentFile = regexp.MustCompile("(?:(?:open|stat|lstat) |pattern matches no files: `)([^\\s:`/][^\\s:`]*)(?:`|: no such file or directory)")

// absentHint says how a file of the repository comes into the image of a Go
// program, where the log of its crash names one that is not there.
func absentHint(rev *v1alpha1.Revision, log string) string {
	if rev.Spec.Build == nil || rev.Spec.Build.Template != "go" {
		return ""
	}
	found := absentFile.FindStringSubmatch(log)
	if found == nil {
		return ""
	}
	first, _, _ := strings.Cut(path.Clean(found[1]), "/")
	if first == ".." || strings.ContainsAny(first, "*?[") {
		return ""
	}
	return fmt.Sprintf("; it did not find %s: if that is in the repository, take it along with build: {with: go, args: {files: %s}}", first, first)
}
