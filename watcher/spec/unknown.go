package spec

import (
	"fmt"
	"strings"

	"github.com/headway-dev/headway/api/nearest"
)

// unknownKey says where the key belongs, if that is elsewhere, or which valid
// one is near, and lists those that are valid below parent.
func unknownKey(parent, name string, valid []string) string {
	hint := ""
	if homes := homesOf(name, "", rows); len(homes) > 0 {
		hint = "; it belongs " + strings.Join(homes, " or ")
		if parent != "" {
			hint += ", not below " + parent
		}
	} else if near := nearest.To(name, valid); near != "" {
		hint = fmt.Sprintf(", did you mean %q?", near)
	}
	end := ""
	if !strings.HasSuffix(hint, "?") {
		end = "."
	}
	return fmt.Sprintf("unknown key %q%s%s Valid keys here: %s", clip(name), hint, end, strings.Join(valid, ", "))
}

// homesOf are the mappings that know a key of this name.
func homesOf(name, parent string, among []row) []string {
	var homes []string
	for _, row := range among {
		if row.value == nil {
			continue
		}
		if row.name == name {
			home := "at the top level"
			if parent != "" {
				home = "below " + parent
			}
			homes = append(homes, home)
		}
		if o, ok := row.value.(object); ok {
			homes = append(homes, homesOf(name, join(parent, row.name), o.rows)...)
		}
	}
	return homes
}
