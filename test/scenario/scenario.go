// Package scenario is the frame of tests that play scenario files: it finds them,
// has each played, and compares what came of it with what the file says. With the
// flag -update it writes that into the files instead.
//
// A scenario file is a script of lines. A line that begins with two blanks is what
// the line above it led to, and is no part of the script; a package's tests say
// what the other lines mean. So a file can be read from top to bottom, and a
// change of a decision is a change of a file that a reviewer sees.
//
// It is for the tests of every package, and for nothing else.
package scenario

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what was played into the scenario files")

// Play has each file testdata/*.txt of the package under test played, each by a
// test of its own beside the others. play gets the lines of the script, with their
// ends, and returns the whole file as it should be: each line of the script as it
// was, and what it led to. It is an error if there is no file.
func Play(t *testing.T, play func(t *testing.T, script []string) string) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no scenario files testdata/*.txt: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			is, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			played := play(t, script(string(is)))
			if *update {
				if err := os.WriteFile(file, []byte(played), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(is), played); d != "" {
				t.Errorf("-update writes it, if this is right (-file +played):\n%s", d)
			}
		})
	}
}

// script is a file without what its lines led to.
func script(file string) (lines []string) {
	for line := range strings.Lines(file) {
		if !strings.HasPrefix(line, "  ") {
			lines = append(lines, line)
		}
	}
	return lines
}
