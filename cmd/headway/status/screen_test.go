package status

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// glass is a terminal as its user sees it: what the sequences that a screen uses
// do to it. Lines wrap, and the last one scrolls.
type glass struct {
	rows        [][]rune
	columns     int
	row, column int
}

func newGlass(columns, rows int) *glass {
	g := &glass{columns: columns}
	for range rows {
		g.rows = append(g.rows, []rune(strings.Repeat(" ", columns)))
	}
	return g
}

// write shows what a program writes, and tells of each change of a cell.
func (g *glass) write(t *testing.T, text string, changed func(row, column int, was, is rune)) {
	set := func(row, column int, is rune) {
		if was := g.rows[row][column]; was != is {
			g.rows[row][column] = is
			changed(row, column, was, is)
		}
	}
	down := func() {
		if g.row++; g.row == len(g.rows) {
			t.Fatal("it scrolls")
		}
	}
	for text != "" {
		taken := 0
		for _, sequence := range []struct {
			is   string
			does func()
		}{
			{toTop, func() { g.row, g.column = 0, 0 }},
			{clearRight, func() {
				for column := min(g.column, g.columns-1); column < g.columns; column++ {
					set(g.row, column, ' ')
				}
			}},
			{clearBelow, func() {
				for i := g.row*g.columns + g.column; i < len(g.rows)*g.columns; i++ {
					set(i/g.columns, i%g.columns, ' ')
				}
			}},
			{clearAll, func() {
				for i := range len(g.rows) * g.columns {
					set(i/g.columns, i%g.columns, ' ')
				}
			}},
			{"\n", func() { g.column = 0; down() }},
			{colours.FindString(text), func() {}},
		} {
			if taken == 0 && sequence.is != "" && strings.HasPrefix(text, sequence.is) {
				sequence.does()
				taken = len(sequence.is)
			}
		}
		if taken == 0 {
			r, size := utf8.DecodeRuneInString(text)
			if g.column == g.columns { // it wraps with the next character only
				g.column = 0
				down()
			}
			set(g.row, g.column, r)
			g.column++
			taken = size
		}
		text = text[taken:]
	}
}

func (g *glass) String() string {
	var lines []string
	for _, row := range g.rows {
		lines = append(lines, strings.TrimRight(string(row), " "))
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}

// TestScreen: one text takes the place of the other, and no cell that both have
// in common changes on the way.
func TestScreen(t *testing.T) {
	texts := []string{
		"App    shop\n\nCandidate at \x1b[1m5%\x1b[0m\n  errors [#####     ] 9 of 100\n\nREVISION\nshop-1\nshop-2\n",
		"App    shop\n\nCandidate at \x1b[1m25%\x1b[0m\n  errors [###       ] 4 of 100\n\nREVISION\nshop-1\nshop-2\n",
		"App    shop\n\nREVISION, a line that is longer than the screen is wide\nshop-2\n",
		"(no answer)\n",
		"A line that is as long as the screen....\nREVISION\n",
		"App    shop\n\nREVISION\nshop-2\n",
	}
	var out bytes.Buffer
	s, g := &screen{out: &out, size: func() (int, int) { return 40, 12 }}, newGlass(40, 12)
	for _, text := range texts {
		before := g.String()
		alone := newGlass(40, 12)
		alone.write(t, text, func(int, int, rune, rune) {})
		out.Reset()
		if err := s.show(text); err != nil {
			t.Fatal(err)
		}
		g.write(t, out.String(), func(row, column int, was, is rune) {
			if wanted := alone.rows[row][column]; is != wanted {
				t.Errorf("%q at line %d, column %d was to become %q, and was %q for a moment\nfrom\n%sto\n%s", was, row, column, wanted, is, before, alone)
			}
		})
		if diff := cmp.Diff(alone.String(), g.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestFit(t *testing.T) {
	const long = "123456789 123456789 123456789" // three rows of ten columns
	for _, tt := range []struct {
		text string
		rows int
		want string
	}{
		{"a\nb\n", 3, "a\nb\n"},
		{"a\nb\nc\n", 3, "a\n... and 2 more lines\n"},
		{"a\n" + long + "\nc\n", 6, "a\n" + long + "\nc\n"},
		{"a\n" + long + "\nc\n", 5, "a\n... and 2 more lines\n"},
		{"\x1b[1m1234567890\x1b[0m\nb\n", 3, "\x1b[1m1234567890\x1b[0m\nb\n"},
		{long + "\n", 3, "... and 1 more lines\n"},
		{"a\nb\n", 0, "a\nb\n"},
		{"", 3, ""},
	} {
		if got := fit(tt.text, 10, tt.rows); got != tt.want {
			t.Errorf("%q in %d rows: %q, want %q", tt.text, tt.rows, got, tt.want)
		}
	}
}
