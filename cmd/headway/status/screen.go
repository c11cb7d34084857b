package status

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Sequences of a terminal (ECMA-48).
const (
	toTop      = "\x1b[H"
	clearAll   = "\x1b[2J"
	clearRight = "\x1b[K"
	clearBelow = "\x1b[J"
)

// screen shows one text after the other in the same place of a terminal.
type screen struct {
	out io.Writer
	// size of the terminal, which may change; 0, 0 where it is not known.
	size  func() (columns, rows int)
	begun bool
}

func sizeOf(f *os.File) (columns, rows int) {
	columns, rows, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0, 0
	}
	return columns, rows
}

// show replaces what is shown. Nothing is cleared that is then written again, so
// that what stays the same does not flicker.
func (s *screen) show(text string) error {
	var b strings.Builder
	if !s.begun {
		s.begun = true
		b.WriteString(clearAll)
	}
	b.WriteString(toTop)
	columns, rows := s.size()
	for line := range strings.Lines(fit(text, columns, rows)) {
		b.WriteString(strings.TrimSuffix(line, "\n"))
		// Behind a line that ends with its row the cursor is still on the last
		// character, which would go.
		if w := width(line); columns == 0 || w == 0 || w%columns > 0 {
			b.WriteString(clearRight)
		}
		b.WriteString("\n")
	}
	b.WriteString(clearBelow)
	_, err := io.WriteString(s.out, b.String())
	return err
}

// colours are the sequences that take no place.
var colours = regexp.MustCompile("\x1b\\[[0-9;]*m")

// width of a line in characters.
func width(line string) int {
	return utf8.RuneCountInString(colours.ReplaceAllString(strings.TrimSuffix(line, "\n"), ""))
}

// fit leaves out the lines at the end that a terminal has no room for, and says
// how many: the most important ones come first, and would scroll out of it. Long
// lines take several rows; the cursor takes the last one.
func fit(text string, columns, rows int) string {
	if columns <= 0 || rows <= 1 {
		return text
	}
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	used, fits := 0, 0 // fits lines and the one that says what is left out
	for i, line := range lines {
		if used += max(1, (width(line)+columns-1)/columns); used > rows-1 {
			return strings.Join(lines[:fits], "") + fmt.Sprintf("... and %d more lines\n", len(lines)-fits)
		}
		if used <= rows-2 {
			fits = i + 1
		}
	}
	return text
}
