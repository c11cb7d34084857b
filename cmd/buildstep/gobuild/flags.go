package gobuild

import (
	"fmt"
	"regexp"
	"strings"
)

// checkLinkerFlags lets pass what people stamp a program with. The others choose
// a linker or say how it works, which is the build step's affair: it links
// statically by itself.
func checkLinkerFlags(flags string) error {
	fields, err := splitFlags(flags)
	if err != nil {
		return fmt.Errorf("build.args.ldflags is %q: %w", flags, err)
	}
	for i := 0; i < len(fields); i++ {
		name, dashed := strings.CutPrefix(fields[i], "-")
		name = strings.TrimPrefix(name, "-")
		switch {
		case dashed && (name == "s" || name == "w" || strings.HasPrefix(name, "X=")):
		case dashed && name == "X" && i+1 < len(fields):
			i++ // its value
		default:
			return fmt.Errorf("build.args.ldflags has %q; it takes -X package.name=value, -s and -w", fields[i])
		}
	}
	return nil
}

var flagField = regexp.MustCompile(`^(?:'([^']*)'|"([^"]*)"|([^'"\s]\S*))`)

// splitFlags cuts at spaces as the Go command does: a field that begins with a
// quote reaches to the next one.
func splitFlags(flags string) ([]string, error) {
	var fields []string
	for flags = strings.TrimSpace(flags); flags != ""; {
		field := flagField.FindStringSubmatch(flags)
		if field == nil {
			return nil, fmt.Errorf("the quote %s is not closed", flags[:1])
		}
		fields = append(fields, field[1]+field[2]+field[3])
		flags = strings.TrimSpace(flags[len(field[0]):])
	}
	return fields, nil
}

var tagPattern = regexp.MustCompile(`^[A-Za-z0-9_.]+$`)

// buildTags reads a list of build tags.
func buildTags(list string) ([]string, error) {
	tags := splitList(list)
	for _, tag := range tags {
		if !tagPattern.MatchString(tag) {
			return nil, fmt.Errorf("build.args.tags has %q; write tags of letters and digits, separated by commas, such as prod,sqlite_json", tag)
		}
	}
	return tags, nil
}

// splitList reads the elements of a list that commas separate.
func splitList(list string) []string {
	var elements []string
	for element := range strings.SplitSeq(list, ",") {
		if element = strings.TrimSpace(element); element != "" {
			elements = append(elements, element)
		}
	}
	return elements
}
