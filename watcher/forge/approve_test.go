package forge

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sha = "0123456789abcdef0123456789abcdef01234567"

func TestApproved(t *testing.T) {
	tests := []struct {
		name, comment string
		want          []string
	}{
		{"alone", "/headway approve 1a2b3c4", []string{"1a2b3c4"}},
		{"a full hash, as Windows and GitHub end lines", "Looks good.\r\n/headway approve " + sha + "  \r\nThanks\r\n", []string{sha}},
		{"two", "/headway approve 1a2b3c4\n/headway approve 5e6f7a8", []string{"1a2b3c4", "5e6f7a8"}},
		{"one twice", "/headway approve 1a2b3c4\n/headway approve 1a2b3c4", []string{"1a2b3c4"}},
		{"behind a quotation and an empty line", "> please\n\n/headway approve 1a2b3c4", []string{"1a2b3c4"}},
		{"behind code", "```\nx\n```\n/headway approve 1a2b3c4", []string{"1a2b3c4"}},
		{"behind a run of code in one line", "```x``` is fine\n/headway approve 1a2b3c4", []string{"1a2b3c4"}},
		{"behind something hidden", "<!-- a note -->\n/headway approve 1a2b3c4", []string{"1a2b3c4"}},

		{"none", "", nil},
		{"no commit", "/headway approve", nil},
		{"six digits", "/headway approve 1a2b3c", nil},
		{"41 digits", "/headway approve " + sha + "0", nil},
		{"capitals", "/headway approve 1A2B3C4", nil},
		{"in a sentence", "I would /headway approve 1a2b3c4", nil},
		{"more behind", "/headway approve 1a2b3c4 please", nil},
		{"two spaces", "/headway  approve 1a2b3c4", nil},
		{"indented, which is code", "    /headway approve 1a2b3c4", nil},
		{"quoted", "> /headway approve 1a2b3c4", nil},
		{"quoted without a space", ">/headway approve 1a2b3c4", nil},
		{"a quotation goes on", "> please write\n/headway approve 1a2b3c4", nil},
		{"code", "```\n/headway approve 1a2b3c4\n```", nil},
		{"code in a language", "``` sh\n/headway approve 1a2b3c4\n```", nil},
		{"code between tildes", "~~~\n/headway approve 1a2b3c4\n~~~", nil},
		{"code that does not end", "```\n/headway approve 1a2b3c4", nil},
		{"a shorter run does not end code", "````\n```\n/headway approve 1a2b3c4\n````", nil},
		{"another run does not end code", "```\n~~~\n/headway approve 1a2b3c4\n```", nil},
		{"a run with a language does not end code", "```\n``` sh\n/headway approve 1a2b3c4\n```", nil},
		{"an indented run does not end code", "```\n    ```\n/headway approve 1a2b3c4\n```", nil},
		{"hidden", "<!--\n/headway approve 1a2b3c4\n-->", nil},
		{"preformatted", "<pre>\n/headway approve 1a2b3c4\n</pre>", nil},
		{"quoted in HTML", "<BLOCKQUOTE>\n\n/headway approve 1a2b3c4\n\n</BLOCKQUOTE>", nil},
		{"hidden in the second tag", "<!-- a --> <!--\n/headway approve 1a2b3c4\n-->", nil},
		{"a null byte", "/headway approve 1a2b3c4\x00", nil},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, Approved(tt.comment)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", tt.name, diff)
		}
	}
	many := strings.Builder{}
	for i := range 1000 {
		many.WriteString("/headway approve " + strings.Repeat("0", 7) + string(rune('a'+i%6)) + strings.Repeat("1", i%30) + "\n")
	}
	if n := len(Approved(many.String())); n != 20 {
		t.Errorf("%d of a thousand count, want 20", n)
	}
}

// FuzzApproved: what counts has the documented form on a line of its own, and
// nothing does that is quoted or code as a whole.
func FuzzApproved(f *testing.F) {
	for _, s := range []string{"/headway approve 1a2b3c4", "/headway approve 1a2b3c4\n/headway approve 5e6f7a8", "> a\n/headway approve 1a2b3c4", "```\n/headway approve 1a2b3c4\n```\n/headway approve 5e6f7a8", "<!--\n-->\n/headway approve 1a2b3c4"} {
		f.Add(s)
	}
	form := regexp.MustCompile(`(?m)^/headway approve ([0-9a-f]{7,40})[^\S\n]*$`)
	f.Fuzz(func(t *testing.T, comment string) {
		for _, commit := range Approved(comment) {
			found := false
			for _, m := range form.FindAllStringSubmatch(comment, -1) {
				found = found || m[1] == commit
			}
			if !found {
				t.Errorf("%q approves %s", comment, commit)
			}
		}
		quoted := "> " + strings.ReplaceAll(comment, "\n", "\n> ")
		if got := Approved(quoted); got != nil {
			t.Errorf("%q approves %v", quoted, got)
		}
		if hidden := "<!--\n" + strings.ReplaceAll(comment, ">", "") + "\n-->"; Approved(hidden) != nil {
			t.Errorf("%q approves", hidden)
		}
	})
}
