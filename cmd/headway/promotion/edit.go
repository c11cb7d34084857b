package promotion

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/headway-dev/headway/watcher/specfile"
	"go.yaml.in/yaml/v3"
)

// change is what is to be so of one key at the top level of a headway.yaml.
type change struct {
	key string
	// value in YAML, on one line; empty removes the key.
	value string
}

// String is the change as a person would write it.
func (c change) String() string {
	if c.value == "" {
		return "no " + c.key
	}
	return c.key + ": " + c.value
}

// keys are the keys of the top level that have one word as their value, as it is
// written.
func keys(data []byte) map[string]string {
	var doc yaml.Node
	has := map[string]string{}
	if yaml.Unmarshal(data, &doc) != nil || len(doc.Content) == 0 {
		return has
	}
	root := doc.Content[0].Content
	for k := 0; k+1 < len(root); k += 2 {
		if root[k+1].Kind == yaml.ScalarNode {
			has[root[k].Value] = root[k+1].Value
		}
	}
	return has
}

// line of a file, with its end.
type line struct {
	// op is ' ' for a line that stays, '-' for one that goes, '+' for a new one.
	op   byte
	text string
}

// edit is a file with changes in it. It holds every line of the file before and
// after.
type edit []line

// errByHand is a file in which a change cannot be made without touching more.
var errByHand = errors.New("is written in a way that leaves no line for this change alone; make it by hand, commit and push")

// editSpec makes changes in the text of a headway.yaml. All other lines stay as
// they are, with comments and layout: a value that is there is replaced in its
// place, a new key stands below the name, and one that is removed takes its line
// and what stands behind it on that line away. What it returns was read again:
// as YAML it differs in those keys only, and it is a valid headway.yaml.
//
// It refuses a file that is not valid before, and one whose keys have no lines
// of their own.
func editSpec(file string, data []byte, changes ...change) (edit, error) {
	if _, err := specfile.Parse(file, data); err != nil {
		return nil, fmt.Errorf("the file has to be valid before it is changed: %w", err)
	}
	var e edit
	for _, text := range strings.SplitAfter(string(data), "\n") {
		if text != "" {
			e = append(e, line{' ', text})
		}
	}
	for _, c := range changes {
		was := e.after()
		if !e.apply(c) || !only(c, was, e.after()) {
			return nil, fmt.Errorf("%s %w: %s", file, errByHand, c)
		}
	}
	if _, err := specfile.Parse(file, e.after()); err != nil {
		return nil, fmt.Errorf("with this change the file would not be valid: %w", err)
	}
	return e, nil
}

// entry is a key with a value on one line: what stands before the value, the
// value, and what follows it. The comment behind it needs a space before it.
const entry = `^( *(?:%[1]s|"%[1]s"|'%[1]s') *: +)("[^"\\\n]*"|'[^'\n]*'|[^\s"'#&*!|>{}\[\],%%@` + "`" + `][^\s]*)([ \t]*(?:[ \t]#[^\n]*)?\r?\n?)$`

// find returns the index of the line that has a key of the top level, and the
// parts of it; -1 where no line has it alone.
func (e edit) find(key string) (int, []string) {
	var doc yaml.Node
	if yaml.Unmarshal(e.after(), &doc) != nil || len(doc.Content) == 0 {
		return -1, nil
	}
	root := doc.Content[0].Content
	pattern := regexp.MustCompile(fmt.Sprintf(entry, regexp.QuoteMeta(key)))
	for k := 0; k+1 < len(root); k += 2 {
		if root[k].Value != key {
			continue
		}
		i := e.index(root[k].Line)
		if i < 0 {
			return -1, nil
		}
		if parts := pattern.FindStringSubmatch(e[i].text); parts != nil {
			return i, parts
		}
	}
	return -1, nil
}

// index is that of a line of the file with the changes, which are counted from
// 1; -1 where there is none.
func (e edit) index(number int) int {
	for i, l := range e {
		if l.op != '-' {
			if number--; number == 0 {
				return i
			}
		}
	}
	return -1
}

// apply makes one change, and reports whether there is a line for it.
func (e *edit) apply(c change) bool {
	at, parts := e.find(c.key)
	switch {
	case at >= 0 && c.value == "":
		(*e)[at].op = '-'
		return true
	case at >= 0:
		(*e)[at].op = '-'
		*e = slices.Insert(*e, at+1, line{'+', parts[1] + c.value + parts[3]})
		return true
	case c.value == "":
		return false
	}
	at, parts = e.find("name")
	if at < 0 {
		return false
	}
	indent := parts[1][:len(parts[1])-len(strings.TrimLeft(parts[1], " "))]
	end := parts[3][len(strings.TrimRight(parts[3], "\r\n")):]
	if end == "" { // the last line of a file that ends without one
		(*e)[at].text += "\n"
	}
	*e = slices.Insert(*e, at+1, line{'+', indent + c.key + ": " + c.value + end})
	return true
}

// text are the lines but those with an op.
func (e edit) text(without byte) []byte {
	var b strings.Builder
	for _, l := range e {
		if l.op != without {
			b.WriteString(l.text)
		}
	}
	return []byte(b.String())
}

// after is the file with the changes.
func (e edit) after() []byte { return e.text('-') }

// only reports whether a change is made, and nothing else differs between two
// texts as YAML.
func only(c change, before, after []byte) bool {
	var was, is map[string]any
	var want any
	if yaml.Unmarshal(before, &was) != nil || yaml.Unmarshal(after, &is) != nil ||
		yaml.Unmarshal([]byte(c.value), &want) != nil || !reflect.DeepEqual(is[c.key], want) {
		return false
	}
	delete(was, c.key)
	delete(is, c.key)
	return reflect.DeepEqual(was, is)
}

// around is how many lines a diff shows before and after a change.
const around = 3

// diff is the edit as git would show it: one hunk, which is enough for changes
// at the top level.
func (e edit) diff(file string) string {
	first := slices.IndexFunc(e, func(l line) bool { return l.op != ' ' })
	if first < 0 {
		return ""
	}
	last := first
	for i, l := range e {
		if l.op != ' ' {
			last = i
		}
	}
	from, to := max(first-around, 0), min(last+around+1, len(e))
	var b strings.Builder
	count := func(lines edit, without byte) (n int) {
		for _, l := range lines {
			if l.op != without {
				n++
			}
		}
		return n
	}
	fmt.Fprintf(&b, "--- a/%s\n+++ b/%s\n@@ -%d,%d +%d,%d @@\n", file, file,
		count(e[:from], '+')+1, count(e[from:to], '+'), count(e[:from], '-')+1, count(e[from:to], '-'))
	for _, l := range e[from:to] {
		b.WriteByte(l.op)
		b.WriteString(strings.TrimRight(l.text, "\r\n") + "\n")
	}
	return b.String()
}
