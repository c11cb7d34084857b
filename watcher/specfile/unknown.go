package specfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/headway-dev/headway/api/nearest"
)

// unknownKey says where the key belongs, if that is elsewhere, or which valid
// one is near, and lists those that are valid below parent.
func (r *reader) unknownKey(parent, name string, valid []string) string {
	hint := ""
	if parent == "" && slices.Contains(r.ofApp, name) {
		hint = "; it belongs into the " + FileName + " of an app"
	} else if homes := homesOf(name, r.keys); len(homes) > 0 {
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
func homesOf(name string, keys []key) []string {
	var homes []string
	walk(keys, "", func(path string, k key) {
		switch {
		case k.name != name:
		case path == "":
			homes = append(homes, "at the top level")
		default:
			homes = append(homes, "below "+path)
		}
	})
	return homes
}
