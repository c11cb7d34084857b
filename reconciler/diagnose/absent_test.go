package diagnose

import (
	"testing"

	"github.com/headway-dev/headway/api/v1alpha1"
)

// TestAbsentHint: a Go program that reads files of its repository crashes until
// they are named in build.args.files.
func TestAbsentHint(t *testing.T) {
	hint := func(name string) string {
		return "; it did not find " + name + ": if that is in the repository, take it along with build: {with: go, args: {files: " + name + "}}"
	}
	for _, tc := range []struct{ template, log, want string }{
		{"go", "2026/01/02 open templates/index.html: no such file or directory\n", hint("templates")},
		{"go", "panic: html/template: pattern matches no files: `views/*.html`\n", hint("views")},
		{"go", "panic: stat ./config.yaml: no such file or directory", hint("config.yaml")},
		{"go", "open /etc/shop/config.yaml: no such file or directory", ""},
		{"go", "open ../shared/a.txt: no such file or directory", ""},
		{"go", "pattern matches no files: `*.html`", ""},
		{"go", "panic: boom", ""},
		{"dockerfile", "open templates/index.html: no such file or directory", ""},
	} {
		rev := newRevision()
		rev.Spec.Build = &v1alpha1.Build{Template: tc.template}
		if got := absentHint(rev, tc.log); got != tc.want {
			t.Errorf("%s, %q: hint %q, want %q", tc.template, tc.log, got, tc.want)
		}
	}
	given := newRevision()
	given.Spec.Build = nil
	if got := absentHint(given, "open a: no such file or directory"); got != "" {
		t.Errorf("an image that was given: hint %q", got)
	}
}
