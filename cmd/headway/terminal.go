package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// paint colours text for a terminal, and leaves it alone elsewhere.
type paint bool

// paintFor is true for a terminal whose user has not asked for NO_COLOR
// (https://no-color.org).
func paintFor(w io.Writer) paint {
	return paint(isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb")
}

func isTerminal(s any) bool {
	f, ok := s.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (p paint) in(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p paint) green(s string) string  { return p.in("32", s) }
func (p paint) yellow(s string) string { return p.in("33", s) }
func (p paint) red(s string) string    { return p.in("31", s) }
func (p paint) bold(s string) string   { return p.in("1", s) }
func (p paint) dim(s string) string    { return p.in("2", s) }

// cell is one entry of a table; colour is applied after it is padded.
type cell struct {
	text   string
	colour func(string) string
}

func plain(s string) cell { return cell{text: s} }

// grid is a table whose columns are as wide as they have to be.
type grid [][]cell

func (g *grid) row(cells ...cell) { *g = append(*g, cells) }

func (g *grid) header(titles ...string) {
	var cells []cell
	for _, t := range titles {
		cells = append(cells, plain(t))
	}
	g.row(cells...)
}

// write prints the rows, three spaces between columns, none at a line's end.
func (g grid) write(w io.Writer) {
	var widths []int
	for _, row := range g {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	for _, row := range g {
		var line strings.Builder
		pending := ""
		for i, c := range row {
			if c.text != "" {
				text := c.text
				if c.colour != nil {
					text = c.colour(text)
				}
				line.WriteString(pending + text)
				pending = ""
			}
			pending += strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+3)
		}
		_, _ = fmt.Fprintln(w, line.String())
	}
}

// age prints a time as kubectl does: the largest unit only, two digits at least.
func age(from, now time.Time) string {
	if from.IsZero() {
		return "-"
	}
	d := max(now.Sub(from), 0)
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}
