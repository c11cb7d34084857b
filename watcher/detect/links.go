package detect

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// maxLinks is how many links are followed on the way to a file, as in Linux.
const maxLinks = 40

// addLinked adds what the links among the sources lead to, wherever in the
// repository that is: a link to a file that is not there is no file to a build.
// A link to a folder above the app's takes nothing along, which would be the
// whole repository.
func (s *Sources) addLinked(t *Tree) error {
	queue := slices.DeleteFunc(slices.Clone(t.links), func(name string) bool { return !s.Has(name) })
	seen := map[string]bool{}
	for ; len(queue) > 0; queue = queue[1:] {
		if seen[queue[0]] {
			continue
		}
		seen[queue[0]] = true
		end, way, err := t.resolveLink(queue[0])
		if err != nil {
			return err
		}
		for _, link := range way {
			s.add(link)
		}
		switch {
		case end == "" || inside(s.folder, end):
		case t.Has(end):
			s.add(end)
		case len(t.Under(end)) > 0 && !s.inFolder(end):
			s.needs.names = append(s.needs.names, end)
			s.needs.folders = append(s.needs.folders, end)
			for _, link := range t.links {
				if inside(link, end) {
					queue = append(queue, link)
				}
			}
		}
	}
	slices.Sort(s.needs.names)
	s.needs.names = slices.Compact(s.needs.names)
	return nil
}

// add takes note of a file that is needed, if it is not a source yet.
func (s *Sources) add(name string) {
	if s.Has(name) {
		return
	}
	if s.needs.files == nil {
		s.needs.files = map[string]bool{}
	}
	s.needs.files[name] = true
	s.needs.names = append(s.needs.names, name)
}

// resolveLink goes from a link to the file or folder that it leads to, which
// need not be there; "" where it leads out of the repository. way are the links
// in between, other links of folders among them.
func (t *Tree) resolveLink(name string) (end string, way []string, err error) {
	at, rest := ".", strings.Split(name, "/")
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch {
		case part == ".." && at == ".":
			return "", way, nil
		case part == "..":
			at = path.Dir(at)
			continue
		case part == "" || part == ".":
			continue
		}
		next := path.Join(at, part)
		if _, link := slices.BinarySearch(t.links, next); !link {
			at = next
			continue
		}
		if way = append(way, next); len(way) > maxLinks {
			return "", nil, circle(name, way)
		}
		target, err := t.content.Target(next)
		if err != nil {
			return "", nil, fmt.Errorf("reading link %s: %w", next, err)
		}
		if path.IsAbs(target) {
			return "", way, nil
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return at, way, nil
}

// circle says of a link that it leads to nothing, and where it comes back to.
func circle(name string, way []string) error {
	for i, link := range way {
		if back := slices.Index(way[i+1:], link); back >= 0 {
			return &KeyError{"path", fmt.Sprintf("the symbolic link %s leads in a circle (%s); make it lead to a file, or remove it", name, strings.Join(way[i:i+back+2], " -> "))}
		}
	}
	return &KeyError{"path", fmt.Sprintf("the symbolic link %s leads through more than %d others; make it lead to a file", name, maxLinks)}
}
