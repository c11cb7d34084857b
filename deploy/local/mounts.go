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
		point := unescapeMount(fields[4])
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

// unescapeMount turns the kernel's octal escapes (\040 is a space) back.
func unescapeMount(point string) string {
	var out strings.Builder
	for i := 0; i < len(point); i++ {
		if point[i] == '\\' && i+3 < len(point) {
			if code, err := strconv.ParseUint(point[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(code))
				i += 3
				continue
			}
		}
		out.WriteByte(point[i])
	}
	return out.String()
}
