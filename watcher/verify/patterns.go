package verify

import "strings"

// matchList reports whether one of the patterns of a list, separated by commas,
// matches a name, and none with a ! before it does (PATTERNS in ssh_config(5)).
// Upper and lower case are the same: so are e-mail addresses to those who write
// them.
func matchList(list, name string) bool {
	found := false
	for pattern := range strings.SplitSeq(list, ",") {
		pattern, negated := strings.CutPrefix(strings.TrimSpace(pattern), "!")
		if !match(strings.ToLower(pattern), strings.ToLower(name)) {
			continue
		}
		if negated {
			return false
		}
		found = true
	}
	return found
}

// match knows * for any characters, and ? for one. It goes back to the last *
// only, so that its time is bounded by the product of the two lengths.
func match(pattern, name string) bool {
	star, from := -1, 0
	p, n := 0, 0
	for n < len(name) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, n
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == name[n]):
			p++
			n++
		case star >= 0:
			from++
			p, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
