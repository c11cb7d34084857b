package specfile

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// notOwn are folders, at any depth, whose content belongs to somebody else or
// to tests.
var notOwn = []string{"vendor", "node_modules", "testdata"}

// Skipped reports whether a headway.yaml stands in a folder that makes no app of
// it: below vendor, node_modules or testdata. To build such a folder, a
// headway.yaml elsewhere names it in path.
func Skipped(file string) bool {
	folders := strings.Split(file, "/")
	return slices.ContainsFunc(folders[:len(folders)-1], func(folder string) bool { return slices.Contains(notOwn, folder) })
}

// placeholders begin what a generator of projects fills in: ${{ x }} and
// {{ x }}, {% if x %}, <%= x %>.
var placeholders = []string{"{{", "{%", "<%"}

// IsTemplate reports whether a headway.yaml is the model of one, which becomes an
// app's when a generator has filled it in: it stands in a folder whose name is
// a placeholder, or a placeholder is why it cannot be used. err is what Parse
// said; a valid file may have placeholders in its values.
func IsTemplate(file string, data []byte, err error) bool {
	if hasPlaceholder(file) {
		return true
	}
	var problems Problems
	if !errors.As(err, &problems) {
		return false
	}
	lines := strings.Split(string(data), "\n")
	for _, p := range problems {
		last := min(p.Line, len(lines))
		first := last - 1
		if p.syntax { // noticed a line too late, perhaps
			first = max(first-1, 0)
		}
		if slices.ContainsFunc(lines[first:last], hasPlaceholder) {
			return true
		}
	}
	return false
}

func hasPlaceholder(s string) bool {
	return slices.ContainsFunc(placeholders, func(p string) bool { return strings.Contains(s, p) })
}

var nameLine = regexp.MustCompile(`(?m)^name:[ \t]+["']?([a-z0-9]([a-z0-9-]*[a-z0-9])?)["']?[ \t]*(#.*)?\r?$`)

// ClaimedName is the name in a file that cannot be used, however broken the
// rest of it is; empty when it cannot be told.
func ClaimedName(data []byte) string {
	found := nameLine.FindAllSubmatch(data, 2)
	if len(found) != 1 {
		return ""
	}
	return string(found[0][1])
}
