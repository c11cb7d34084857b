package main

import (
	"slices"
	"strconv"
	"strings"
)

// mountsBelow lists the mount points of a mountinfo table that lie in one of the
// folders, the latest first: the order in which they can be unmounted.
func mountsBelow(table string, folders ...string) []string {
	var found []string
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		// The kernel writes a space as \040, which Go reads in a string literal.
		point, err := strconv.Unquote(`"` + strings.ReplaceAll(fields[4], `"`, `\"`) + `"`)
		if err != nil {
			continue
		}
		inside := slices.ContainsFunc(folders, func(folder string) bool {
			return point == folder || strings.HasPrefix(point, folder+"/")
		})
		if inside {
			found = append(found, point)
		}
	}
	slices.Reverse(found)
	return found
}
