package detect

import "github.com/headway-dev/headway/watcher/specfile"

// Reaches reports whether an app may have sources in a folder of the repository,
// or lie in it, by what its headway.yaml says: before it is known which files
// there are. Globs that cannot be read reach nothing.
func Reaches(s *specfile.Spec, dir string) bool {
	sources, err := newSources(s)
	return err == nil && sources.Reach(dir)
}

// Reach reports whether there may be sources in a folder.
func (s *Sources) Reach(dir string) bool {
	return !s.ignore.Match(dir) && (inside(dir, s.folder) || inside(s.folder, dir) || s.watch.Reach(dir))
}
