package detect

import (
	"path"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/specfile"
)

// App is what a headway.yaml comes to in the commit that it stands in.
type App struct {
	// Build is how the image is made; nil when it is given.
	Build *v1alpha1.Build
	// Sources are the files that it is made from.
	Sources Sources
}

// Resolve finds out how an app is built, and from which files. Errors are as
// those of Build.
func Resolve(s *specfile.Spec, t *Tree) (*App, error) {
	sources, err := newSources(s)
	if err != nil {
		return nil, err
	}
	app := &App{Sources: sources}
	t = t.without(app.Sources.ignore)
	if s.Image == "" {
		if app.Build, err = Build(s.Build, s.Path, t); err != nil {
			return nil, err
		}
	}
	if app.Sources.needs, err = neededBy(app.Build, s.Path, t); err != nil {
		return nil, err
	}
	if err := app.Sources.addLinked(t); err != nil {
		return nil, err
	}
	return app, t.checkCopies(app)
}

// Sources say which files of a commit belong to an app: its folder, what its
// watch globs match, and what its build needs without being told, all without
// what its ignore globs match.
type Sources struct {
	folder        string
	watch, ignore specfile.Globs
	needs         needs
}

// newSources are the sources that the headway.yaml names.
func newSources(s *specfile.Spec) (out Sources, err error) {
	out.folder = s.Path
	if out.watch, err = specfile.ParseGlobs(s.Watch); err != nil {
		return out, &KeyError{Key: "watch", Message: err.Error()}
	}
	if out.ignore, err = specfile.ParseGlobs(s.Ignore); err != nil {
		return out, &KeyError{Key: "ignore", Message: err.Error()}
	}
	return out, nil
}

// Has reports whether a file is a source. No headway.yaml is one: how an app runs
// is in the spec hash, and a change of it alone must not build. Nor is a
// headway.events.yaml.
func (s *Sources) Has(name string) bool {
	base := path.Base(name)
	settings := (base == specfile.FileName || base == specfile.EventsFileName) && !specfile.Skipped(name)
	return !settings && (s.inFolder(name) || s.watch.Match(name) || s.needs.has(name)) && !s.ignore.Match(name)
}

func (s *Sources) inFolder(name string) bool { return name != s.folder && inside(name, s.folder) }

// Needed says in few words what the build needs from outside the folder
// without being told: files, and the folders of packages. Sorted.
func (s *Sources) Needed() []string { return s.needs.names }
