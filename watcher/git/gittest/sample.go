package gittest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Sample is a small repository with one app, as a person would push it, and
// what has to become of it. Its file is a txtar archive: first prose and the
// lines below, then the repository's files.
//
//	live: TEXT           the app answers with the text
//	refused: TEXT        the watcher refuses headway.yaml, and says the text
//	fails: TEXT          the build fails, and says the text
//	path: /PATH          what is requested of a live app; default /
//	link: NAME -> TARGET a symbolic link in the repository
type Sample struct {
	// Name of the sample, of its file and of its app.
	Name string
	// Outcome is Live, Refused or Fails; Text is what is said or answered.
	Outcome, Text string
	// Path is requested of a live app.
	Path string

	files []txtar.File
	links map[string]string
}

// What may become of a sample.
const (
	Live    = "live"
	Refused = "refused"
	Fails   = "fails"
)

// Samples reads all samples in a folder.
func Samples(t testing.TB, dir string) []Sample {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.txtar"))
	if err != nil || len(names) == 0 {
		t.Fatalf("found no samples in %s: %v", dir, err)
	}
	samples := make([]Sample, 0, len(names))
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := parseSample(strings.TrimSuffix(filepath.Base(name), ".txtar"), archive)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		samples = append(samples, s)
	}
	return samples
}

func parseSample(name string, archive *txtar.Archive) (Sample, error) {
	s := Sample{Name: name, Path: "/", files: archive.Files, links: map[string]string{}}
	for line := range strings.Lines(string(archive.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case Live, Refused, Fails:
			if s.Outcome != "" {
				return s, fmt.Errorf("has both %s and %s", s.Outcome, key)
			}
			s.Outcome, s.Text = key, value
		case "path":
			s.Path = value
		case "link":
			from, to, ok := strings.Cut(value, " -> ")
			if !ok {
				return s, fmt.Errorf("link %q is not NAME -> TARGET", value)
			}
			s.links[from] = to
		}
	}
	if s.Outcome == "" || s.Text == "" {
		return s, fmt.Errorf("says neither %s nor %s nor %s, with a text", Live, Refused, Fails)
	}
	named := func(f txtar.File) bool {
		return filepath.Base(f.Name) == "headway.yaml" && slices.Contains(strings.Split(string(f.Data), "\n"), "name: "+name)
	}
	if !slices.ContainsFunc(s.files, named) {
		return s, fmt.Errorf("has no headway.yaml with name: %s", name)
	}
	return s, nil
}

// Write writes the repository's files into a folder.
func (s Sample) Write(dir string) error {
	if err := txtar.Write(&txtar.Archive{Files: s.files}, dir); err != nil {
		return err
	}
	for from, to := range s.links {
		file := filepath.Join(dir, filepath.FromSlash(from))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(to, file); err != nil {
			return err
		}
	}
	return nil
}
