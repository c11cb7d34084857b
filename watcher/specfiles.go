package watcher

import (
	"cmp"
	"fmt"
	"path"
	"slices"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
	"github.com/headway-dev/headway/watcher/spec"
)

const (
	// maxSpecFiles bounds the apps of one repository.
	maxSpecFiles = 500
	// maxNamed bounds the files past maxSpecFiles of which the name is read.
	maxNamed = 5000
)

// chooseSpecFiles picks the headway.yaml files of a commit: those to read, and
// those that are left out because there are too many. Those that made an App
// before, known by their paths, come first, then the order of paths decides. So
// an app that runs goes on being followed, whatever is added beside it. What a
// submodule holds are apps of its own repository.
func chooseSpecFiles(files []git.File, known map[string]bool) (read, left []git.File) {
	for _, f := range files {
		if path.Base(f.Path) == spec.FileName && !spec.Skipped(f.Path) && f.Submodule == "" {
			read = append(read, f)
		}
	}
	if len(read) <= maxSpecFiles {
		return read, nil
	}
	slices.SortStableFunc(read, func(a, b git.File) int {
		first := func(f git.File) int {
			if known[f.Path] {
				return 0
			}
			return 1
		}
		return cmp.Compare(first(a), first(b))
	})
	return read[:maxSpecFiles], read[maxSpecFiles:]
}

// leaveOut gives the candidates of files past the bound. No more than the name
// is read, to tell an app that was moved there from one that was removed.
func leaveOut(left []git.File, content blobs) ([]candidate, error) {
	var out []candidate
	for i, f := range left {
		c := candidate{file: f.Path, left: true, problem: &problem{v1alpha1.ReasonTooManySpecFiles,
			fmt.Sprintf("%s: the repository has more than %d headway.yaml files, and this one is left out; split the repository", f.Path, maxSpecFiles)}}
		if i < maxNamed && f.Mode != git.Symlink {
			data, err := content.Read(f.Blob, spec.MaxBytes)
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", f.Path, err)
			}
			c.claims = spec.ClaimedName(data)
		}
		out = append(out, c)
	}
	return out, nil
}

// tooMany says which files of a snapshot are left out; nil when all are read.
func (s *snapshot) tooMany() *problem {
	var left []string
	for _, c := range s.apps {
		if c.left {
			left = append(left, c.file)
		}
	}
	if left == nil {
		return nil
	}
	return &problem{v1alpha1.ReasonTooManySpecFiles,
		fmt.Sprintf("there are %d headway.yaml files; %d are read, these are not: %s. Split the repository",
			len(s.apps), maxSpecFiles, firstFew(left, func(file string) string { return file }))}
}
