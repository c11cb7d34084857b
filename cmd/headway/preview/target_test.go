package preview

import (
	"strings"
	"testing"

	"github.com/headway-dev/headway/watcher/specfile"
)

// allowing is a production branch whose apps have these globs, separated by
// spaces.
func allowing(apps map[string]string) rules {
	r := rules{"main", map[string]*specfile.Preview{}}
	for name, globs := range apps {
		r.apps[name] = &specfile.Preview{Branches: strings.Fields(globs)}
	}
	return r
}

func TestTarget(t *testing.T) {
	for _, tc := range []struct {
		name   string
		apps   map[string]string
		branch string
		want   string
	}{
		{"its own name", map[string]string{"shop": "feat/**"}, "feat/login", "feat/login"},
		{"below a folder", map[string]string{"shop": "feat/**"}, "login", "feat/login"},
		{"a deep name", map[string]string{"shop": "feat/**"}, "ada/login", "feat/ada/login"},
		{"within one part", map[string]string{"shop": "preview-*"}, "ada/login", "preview-ada-login"},
		{"before the end", map[string]string{"shop": "*/preview"}, "login", "login/preview"},
		{"most apps", map[string]string{"shop": "a/* b/*", "site": "b/*"}, "login", "b/login"},
		{"the first of equals", map[string]string{"shop": "b/* a/*"}, "login", "a/login"},
		{"a set of letters", map[string]string{"shop": "v[0-9]*"}, "login", "error: no name can be made of login that preview.branches allows: v[0-9]*"},
		{"two places", map[string]string{"shop": "*/*"}, "login", "error: no name can be made"},
		{"no place", map[string]string{"shop": "beta next"}, "login", "error: no name can be made of login that preview.branches allows: beta and next"},
		{"any name", map[string]string{"shop": "**"}, "main", "error: main is the production branch"},
		{"nothing is production", map[string]string{"shop": "*"}, "login", "login"},
		{"a merge queue", map[string]string{"shop": "**"}, "gh-readonly-queue/main/pr-1-a", "error: no name can be made"},
		{"no globs", map[string]string{"shop": ""}, "login", "error: previews come with pull requests here: push login and open one"},
		{"no previews", nil, "login", "error: no app has previews"},
	} {
		got, err := allowing(tc.apps).target(tc.branch)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != tc.want && (!strings.HasPrefix(tc.want, "error") || !strings.HasPrefix(got, tc.want)) {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

// TestTargetIsNeverProduction: whatever the globs are.
func TestTargetIsNeverProduction(t *testing.T) {
	r := allowing(map[string]string{"shop": "release/* **"})
	r.production = "release/login"
	if got, err := r.target("login"); err != nil || got != "login" {
		t.Errorf("%q, %v", got, err)
	}
	r = allowing(map[string]string{"shop": "release/*"})
	r.production = "release/login"
	if got, err := r.target("login"); err == nil {
		t.Errorf("%q would be pushed to", got)
	}
}
