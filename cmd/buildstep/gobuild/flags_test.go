package gobuild

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckLinkerFlags(t *testing.T) {
	for _, test := range []struct{ flags, want string }{
		{"", ""},
		{"-s -w", ""},
		{"-X main.version=1.2.3 -X=main.commit=abc", ""},
		{`-X 'main.built=by hand, today' "-X=main.note=a b"`, ""},
		{"--X main.version=1", ""},
		{"-extld=/tmp/ld", `has "-extld=/tmp/ld"; it takes -X package.name=value, -s and -w`},
		{"-s -linkmode external", `has "-linkmode"; it takes`},
		{"-X", `has "-X"; it takes`},
		{"-X 'main.a=b", `the quote ' is not closed`},
		{"main.version=1", `has "main.version=1"; it takes`},
	} {
		err := checkLinkerFlags(test.flags)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: error = %v, want one with %q", test.flags, err, test.want)
		}
	}
}

func TestBuildTags(t *testing.T) {
	tags, err := buildTags(" prod, sqlite_json,,go1.24 ")
	if diff := cmp.Diff([]string{"prod", "sqlite_json", "go1.24"}, tags); diff != "" || err != nil {
		t.Errorf("%v, tags (-want +got):\n%s", err, diff)
	}
	for _, bad := range []string{"prod dev", "!cgo", "-race"} {
		if _, err := buildTags(bad); err == nil || !strings.Contains(err.Error(), "build.args.tags has \""+bad+"\"; write tags") {
			t.Errorf("%s: error = %v", bad, err)
		}
	}
}
