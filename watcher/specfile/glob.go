package specfile

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Glob matches paths relative to a repository's root. Within a path segment
// it has the syntax of path.Match; the segment ** stands for any number of
// folders. A glob that matches a folder matches everything in it.
type Glob struct {
	clean string
	// literal is the part before the first segment with a wildcard; most globs
	// are nothing else, and most names differ there already.
	literal string
	// segments after literal, without a closing **, which says inside
	// instead: the glob matches what is in the folder, not a file of the
	// folder's name.
	segments []string
	inside   bool
}

// ParseGlob reads a glob. The error says what to write instead.
func ParseGlob(s string) (Glob, error) {
	clean := path.Clean(s)
	switch {
	case s == "":
		return Glob{}, errors.New("is empty")
	case path.IsAbs(s):
		return Glob{}, fmt.Errorf("%q begins with /; globs are relative to the repository's root", clip(s))
	case clean == "..", strings.HasPrefix(clean, "../"):
		return Glob{}, fmt.Errorf("%q leads out of the repository; globs are relative to its root", clip(s))
	case strings.HasPrefix(s, "!"):
		return Glob{}, fmt.Errorf("%q begins with !, which has no meaning here; watch lists what is taken, ignore what is left out", clip(s))
	case strings.ContainsAny(s, "{}"):
		return Glob{}, fmt.Errorf("%q has braces, which are not supported; write one entry for each", clip(s))
	}
	segments := strings.Split(clean, "/")
	for _, segment := range segments {
		if strings.Contains(segment, "**") && segment != "**" {
			return Glob{}, fmt.Errorf("%q: ** must stand alone between slashes, such as libs/**/*.go", clip(s))
		}
		if _, err := path.Match(segment, ""); err != nil {
			return Glob{}, fmt.Errorf("%q is not a valid glob: a [ is not closed", clip(s))
		}
	}
	g := Glob{clean: clean, segments: segments}
	for n := len(segments); n > 0 && segments[n-1] == "**"; n-- {
		g.segments, g.inside = segments[:n-1], true
	}
	if clean == "." {
		g.segments = nil
	}
	for len(g.segments) > 0 && !strings.ContainsAny(g.segments[0], `*?[\`) {
		g.literal = path.Join(g.literal, g.segments[0])
		g.segments = g.segments[1:]
	}
	return g, nil
}

// Globs are the globs of one key. A path matches when one of them does.
type Globs []Glob

// ParseGlobs reads the globs of one key.
func ParseGlobs(patterns []string) (Globs, error) {
	var globs Globs
	for _, pattern := range patterns {
		g, err := ParseGlob(pattern)
		if err != nil {
			return nil, err
		}
		globs = append(globs, g)
	}
	return globs, nil
}

// Match reports whether one of the globs matches.
func (g Globs) Match(name string) bool {
	return slices.ContainsFunc(g, func(one Glob) bool { return one.Match(name) })
}

// LiteralGlob matches the one file or folder of this name, whatever characters
// it has.
func LiteralGlob(name string) Glob {
	return Glob{clean: name, literal: name}
}

// String is the glob in its clean form.
func (g Glob) String() string { return g.clean }

// Match reports whether the file at name, or a folder that it is in, matches.
// The cost is the product of the numbers of segments behind the literal part.
func (g Glob) Match(name string) bool {
	rest, ok := below(name, g.literal)
	if !ok {
		return false
	}
	if len(g.segments) == 0 {
		return rest != "" || !g.inside
	}
	if rest == "" {
		return false
	}
	return g.match(strings.Split(rest, "/"))
}

// below is the part of name under dir, empty when name is dir itself; "" as
// dir is the root.
func below(name, dir string) (string, bool) {
	rest, ok := strings.CutPrefix(name, dir)
	switch {
	case !ok:
		return "", false
	case dir == "" || rest == "":
		return rest, true
	case rest[0] != '/':
		return "", false
	}
	return rest[1:], true
}

func (g Glob) match(segments []string) bool {
	// reach[j] is true when the first j segments of the glob match what was
	// read of name so far.
	reach := make([]bool, len(g.segments)+1)
	reach[0] = true
	for i := 0; ; i++ {
		g.skipStars(reach)
		if reach[len(g.segments)] && (i < len(segments) || !g.inside) {
			return true
		}
		if i == len(segments) {
			return false
		}
		reach = g.step(reach, segments[i])
	}
}

// skipStars lets every ** that is reached stand for no folder at all.
func (g Glob) skipStars(reach []bool) {
	for j, pattern := range g.segments {
		if reach[j] && pattern == "**" {
			reach[j+1] = true
		}
	}
}

// step reads one more segment of a name.
func (g Glob) step(reach []bool, segment string) []bool {
	next := make([]bool, len(reach))
	for j, pattern := range g.segments {
		if !reach[j] {
			continue
		}
		if pattern == "**" {
			next[j] = true
		} else if ok, err := path.Match(pattern, segment); err == nil && ok {
			next[j+1] = true
		}
	}
	return next
}

// Reach reports whether one of the globs may match something in a folder.
func (g Globs) Reach(dir string) bool {
	return slices.ContainsFunc(g, func(one Glob) bool { return one.reaches(dir) })
}

func (g Glob) reaches(dir string) bool {
	if _, above := below(g.literal, dir); above {
		return true
	}
	rest, ok := below(dir, g.literal)
	if !ok {
		return false
	}
	reach := make([]bool, len(g.segments)+1)
	reach[0] = true
	for segment := range strings.SplitSeq(rest, "/") {
		g.skipStars(reach)
		if reach[len(g.segments)] {
			return true // the folder is in one that matches
		}
		reach = g.step(reach, segment)
	}
	return slices.Contains(reach, true)
}
