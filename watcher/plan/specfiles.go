package plan

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/detect"
	"github.com/headway-dev/headway/watcher/specfile"
	"github.com/headway-dev/headway/watcher/tree"
)

const (
	// MaxSpecFiles bounds the apps of one repository.
	MaxSpecFiles = 500
	// maxNamed bounds the files past MaxSpecFiles of which the name is read.
	maxNamed = 5000
	// maxEventsFiles bounds the headway.events.yaml files of one repository.
	maxEventsFiles = 100
)

// SpecFiles are the headway.yaml and headway.events.yaml files of a commit, each
// parsed once and not yet held against the other files.
type SpecFiles []Candidate

// ReadSpecFiles parses the headway.yaml files of a commit. known are the paths
// of those that have made an App. Of files past the bound no more than the name
// is read, to tell an app that was moved there from one that was removed.
func ReadSpecFiles(c *tree.Commit, blobs tree.Blobs, known map[string]bool) (SpecFiles, error) {
	var all SpecFiles
	files := specFilesOf(c, known)
	for i, f := range files {
		app := Candidate{File: f.Path, omitted: i >= MaxSpecFiles}
		var data []byte
		if f.Mode != tree.Symlink && i < MaxSpecFiles+maxNamed {
			var err error
			if data, err = blobs.Read(f.Blob, specfile.MaxBytes); err != nil {
				return nil, fmt.Errorf("reading %s: %w", f.Path, err)
			}
		}
		switch {
		case app.omitted:
			app.claim(data)
			app.refuse(v1alpha1.ReasonTooManySpecFiles, specfile.Whole(fmt.Sprintf("the repository has more than %d headway.yaml files, and this one is left out; split the repository", MaxSpecFiles)))
		case f.Mode == tree.Symlink:
			app.mayHide = true
			app.refuse(v1alpha1.ReasonInvalidSpec, specfile.Whole(specfile.FileName+" is a symbolic link; make it a file"))
		default:
			app.parse(data)
		}
		all = append(all, app)
	}
	declared, err := readDeclared(c, blobs)
	return append(all, declared...), err
}

// readDeclared parses the headway.events.yaml files of a commit. One too many may
// hide anything.
func readDeclared(c *tree.Commit, blobs tree.Blobs) (SpecFiles, error) {
	var all SpecFiles
	for _, f := range filesNamed(c, specfile.EventsFileName) {
		file := Candidate{File: f.Path, declares: true, mayHide: true}
		switch {
		case len(all) >= maxEventsFiles:
			file.refuse(v1alpha1.ReasonTooManySpecFiles, specfile.Whole(fmt.Sprintf("the repository has more than %d files %s, and this one is left out; put some together", maxEventsFiles, specfile.EventsFileName)))
			return append(all, file), nil
		case f.Mode == tree.Symlink:
			file.refuse(v1alpha1.ReasonInvalidSpec, specfile.Whole(specfile.EventsFileName+" is a symbolic link; make it a file"))
		default:
			data, err := blobs.Read(f.Blob, specfile.MaxBytes)
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", f.Path, err)
			}
			file.parse(data)
		}
		all = append(all, file)
	}
	return all, nil
}

// filesNamed are the files of a commit with a name, in the order of their paths.
// What a submodule holds is of its own repository.
func filesNamed(c *tree.Commit, name string) []tree.File {
	var files []tree.File
	for _, f := range c.Files {
		if path.Base(f.Path) == name && !specfile.Skipped(f.Path) && f.Submodule == "" {
			files = append(files, f)
		}
	}
	return files
}

// specFilesOf are the headway.yaml files of a commit. Those that made an App
// before, known by their paths, come first, then the order of paths decides. So
// an app that runs goes on being followed, whatever is added beside it.
func specFilesOf(c *tree.Commit, known map[string]bool) []tree.File {
	files := filesNamed(c, specfile.FileName)
	first := func(f tree.File) int {
		if known[f.Path] {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(files, func(a, b tree.File) int { return cmp.Compare(first(a), first(b)) })
	return files
}

// parse reads what the file says.
func (c *Candidate) parse(data []byte) {
	read := specfile.Parse
	if c.declares {
		read = specfile.ParseEvents
	}
	parsed, err := read(c.File, data)
	var at specfile.Problems
	switch c.Template = specfile.IsTemplate(c.File, data, err); {
	case errors.As(err, &at):
		c.claim(data)
		c.refuse(v1alpha1.ReasonInvalidSpec, at...)
	case c.Template:
		c.claims = parsed.Name
		c.refuse(v1alpha1.ReasonInvalidSpec, specfile.Whole("the folder's name is a placeholder; rename the folder"))
	default:
		c.Spec, c.Name, c.mayHide = parsed, parsed.Name, false
		for _, channel := range parsed.Channels {
			c.channels = append(c.channels, channel.Name)
		}
		for _, source := range parsed.Sources {
			c.sources = append(c.sources, source.Name)
		}
	}
}

// claim notes what a file that is not used says all the same.
func (c *Candidate) claim(data []byte) {
	sure := false
	if !c.declares {
		c.claims = specfile.ClaimedName(data)
	}
	c.channels, c.sources, sure = specfile.Claimed(data)
	c.mayHide = !sure
}

// Reach reports whether an app may have sources in a folder.
func (s SpecFiles) Reach(dir string) bool {
	return slices.ContainsFunc(s, func(c Candidate) bool { return c.Spec != nil && !c.declares && detect.Reaches(c.Spec, dir) })
}

// Omitted says which files of a snapshot are left out; nil when all are read.
func (s *Snapshot) Omitted() *Problem {
	var omitted []string
	for _, c := range s.Apps {
		if c.omitted {
			omitted = append(omitted, c.File)
		}
	}
	if omitted == nil {
		return nil
	}
	return NewProblem(v1alpha1.ReasonTooManySpecFiles, "there are %d headway.yaml files; %d are read, these are not: %s. Split the repository",
		len(s.Apps), MaxSpecFiles, FirstFew(omitted))
}
