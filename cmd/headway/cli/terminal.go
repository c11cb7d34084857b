package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// Paint colours text for a terminal, and leaves it alone elsewhere.
type Paint bool

// PaintFor is true for a terminal whose user has not asked for NO_COLOR
// (https://no-color.org).
func PaintFor(w io.Writer) Paint {
	return Paint(IsTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb")
}

// IsTerminal reports whether a stream is one.
func IsTerminal(s any) bool {
	f, ok := s.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// In is text in a colour, by its ANSI code.
func (p Paint) In(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// The colours, by their names.
func (p Paint) Green(s string) string  { return p.In("32", s) }
func (p Paint) Yellow(s string) string { return p.In("33", s) }
func (p Paint) Red(s string) string    { return p.In("31", s) }
func (p Paint) Bold(s string) string   { return p.In("1", s) }
func (p Paint) Dim(s string) string    { return p.In("2", s) }

// Cell is one entry of a table; colour is applied after it is padded.
type Cell struct {
	Text   string
	Colour func(string) string
}

// Plain is a cell without a colour.
func Plain(s string) Cell { return Cell{Text: s} }

// Coloured is a cell in a colour.
func Coloured(s string, colour func(string) string) Cell { return Cell{Text: s, Colour: colour} }

// Grid is a table whose columns are as wide as they have to be.
type Grid [][]Cell

// Row adds one.
func (g *Grid) Row(cells ...Cell) { *g = append(*g, cells) }

// Header adds a row of titles.
func (g *Grid) Header(titles ...string) {
	var cells []Cell
	for _, t := range titles {
		cells = append(cells, Plain(t))
	}
	g.Row(cells...)
}

// Write prints the rows, three spaces between columns, none at a line's end.
func (g Grid) Write(w io.Writer) {
	var widths []int
	for _, row := range g {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.Text))
		}
	}
	for _, row := range g {
		var line strings.Builder
		pending := ""
		for i, c := range row {
			if c.Text != "" {
				text := c.Text
				if c.Colour != nil {
					text = c.Colour(text)
				}
				line.WriteString(pending + text)
				pending = ""
			}
			pending += strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.Text)+3)
		}
		_, _ = fmt.Fprintln(w, line.String())
	}
}
