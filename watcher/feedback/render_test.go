package feedback

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/headway-dev/headway/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the expected texts anew")

// objects of a scenario.
type objects struct {
	Repository v1alpha1.Repository
	Apps       []v1alpha1.App
	Revisions  []v1alpha1.Revision
}

// TestTexts renders the objects of each scenario.
func TestTexts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil || len(archive.Files) != 2 {
				t.Fatalf("%v, want two files, objects and text", err)
			}
			var o objects
			if err := yaml.UnmarshalStrict(archive.Files[0].Data, &o); err != nil {
				t.Fatal(err)
			}
			w := Render(Facts{&o.Repository, o.Apps, o.Revisions})
			check(t, w)
			got := text(w)
			if *update {
				archive.Files[1].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(archive.Files[1].Data), got); diff != "" {
				t.Errorf("(-want +got); go test ./watcher/feedback -update writes it anew\n%s", diff)
			}
		})
	}
}

// check is what holds for everything that forges are told.
func check(t *testing.T, w Wanted) {
	t.Helper()
	for _, c := range w.Commits {
		for _, s := range c.Statuses {
			if n := utf8.RuneCountInString(s.Description); n == 0 || n > maxDescription || strings.ContainsAny(s.Description, "\n\r\x1b") {
				t.Errorf("%s: %q has %d characters", s.Context, s.Description, n)
			}
			if s.Context == "" || s.State == "" {
				t.Errorf("a status without its name: %+v", s)
			}
		}
	}
	for _, c := range w.Comments {
		lines := strings.Split(c.Text, "\n")
		if lines[0] != marker || strings.Count(c.Text, marker) != 1 {
			t.Errorf("the first line is %q", lines[0])
		}
		for _, l := range lines[1:] {
			if strings.HasPrefix(l, "/") {
				t.Errorf("a line that a forge may take for a command: %q", l)
			}
			if strings.HasPrefix(l, "|") && strings.Count(l, "|") != 6 {
				t.Errorf("a row with other than 5 cells: %q", l)
			}
			if outside := outsideCode(l); strings.ContainsAny(outside, "@<>#!*_~\\") {
				t.Errorf("Markdown outside of code: %q of %q", outside, l)
			}
		}
	}
}

// outsideCode is a line of Markdown without its code spans.
func outsideCode(l string) string {
	var b strings.Builder
	for l != "" {
		begin := strings.IndexByte(l, '`')
		if begin < 0 {
			break
		}
		b.WriteString(l[:begin])
		l = l[begin:]
		fence := l[:len(l)-len(strings.TrimLeft(l, "`"))]
		l = l[len(fence):]
		end := 0
		for { // the next run of as many
			at := strings.Index(l[end:], fence)
			if at < 0 {
				return b.String() + fence + l
			}
			run := l[end+at:]
			run = run[:len(run)-len(strings.TrimLeft(run, "`"))]
			end += at + len(run)
			if len(run) == len(fence) {
				break
			}
		}
		l = l[end:]
	}
	return b.String() + l
}

func text(w Wanted) string {
	var b strings.Builder
	for _, c := range w.Commits {
		fmt.Fprintf(&b, "commit %s", v1alpha1.Short(c.SHA))
		if !c.Newest {
			b.WriteString(" (earlier)")
		}
		b.WriteString("\n")
		for _, s := range c.Statuses {
			fmt.Fprintf(&b, "  %s %s: %s", s.State, s.Context, s.Description)
			if s.URL != "" {
				fmt.Fprintf(&b, " <%s>", s.URL)
			}
			if s.Topic != "" {
				fmt.Fprintf(&b, " [%s]", s.Topic)
			}
			b.WriteString("\n")
		}
	}
	for _, c := range w.Comments {
		fmt.Fprintf(&b, "comment %d, create %t, final %t\n  %s\n", c.Number, c.Create, c.Final, strings.ReplaceAll(strings.TrimSpace(c.Text), "\n", "\n  "))
	}
	for _, d := range w.Deployments {
		fmt.Fprintf(&b, "deployment %s %s %s %s\n", d.Environment, v1alpha1.Short(d.Ref), d.State, d.URL)
	}
	return b.String()
}

func TestCode(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"shop":                    "`shop`",
		"@ada <b>x</b> ![i](u)":   "`@ada <b>x</b> ![i](u)`",
		"a`b":                     "`` a`b ``",
		"``":                      "``` `` ```",
		"a|b\\|c":                 "`a¦b\\¦c`",
		"one\n/close\r\n\ttwo":    "`one /close two`",
		"\x1b[31mred\u202e\u200b": "`[31mred`",
		"-->\n# Title":            "`--> # Title`",
		string([]byte{'a', 0xff}): "`a`",
		strings.Repeat("x", 9999): "`" + strings.Repeat("x", maxCode-1) + "…`",
	} {
		if got := Code(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func FuzzCode(f *testing.F) {
	f.Add("a`b``c|d\\")
	f.Fuzz(func(t *testing.T, text string) {
		got := Code(text)
		if got != "" && outsideCode("| "+got+" |") != "|  |" || strings.ContainsAny(got, "|\n\r") {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}
