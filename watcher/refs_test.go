package watcher

import (
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headway-dev/headway/api/v1alpha1"
	"github.com/headway-dev/headway/watcher/git"
)

func TestChooseRefs(t *testing.T) {
	advertised := map[string]string{}
	for _, ref := range []string{"HEAD", "refs/heads/main", "refs/heads/beta", "refs/heads/release/1", "refs/heads/release/1/fix",
		"refs/tags/v1", "refs/tags/old/v0", "refs/pull/7/head", "refs/merge-requests/1/head"} {
		advertised[ref] = hash("a1")
	}
	tests := []struct {
		globs []string
		want  []string
	}{
		{nil, nil},
		{[]string{"beta"}, []string{"refs/heads/beta"}},
		{[]string{"main"}, nil},
		{[]string{"release/*"}, []string{"refs/heads/release/1"}},
		{[]string{"release/**"}, []string{"refs/heads/release/1", "refs/heads/release/1/fix"}},
		{[]string{"refs/tags/v*"}, []string{"refs/tags/v1"}},
		{[]string{"v*"}, nil},
		{[]string{"*"}, []string{"refs/heads/beta"}},
		{[]string{"refs/**"}, []string{"refs/heads/beta", "refs/heads/release/1", "refs/heads/release/1/fix", "refs/tags/old/v0", "refs/tags/v1"}},
		{[]string{"refs/pull/**"}, nil},
	}
	for _, test := range tests {
		c, err := chooseRefs(advertised, "main", test.globs)
		if diff := cmp.Diff(test.want, slices.Sorted(maps.Keys(c.listed))); diff != "" || err != nil {
			t.Errorf("%v: %v (-want +got)\n%s", test.globs, err, diff)
		}
	}
	for text, branch := range map[string]string{`no branch "master" (it has beta, main, release/1, release/1/fix)`: "master"} {
		_, err := chooseRefs(advertised, branch, nil)
		var e *git.Error
		if !errors.As(err, &e) || e.Reason != v1alpha1.ReasonBranchNotFound || !strings.Contains(e.Message, text) {
			t.Errorf("branch %s: %v, want ...%s...", branch, err, text)
		}
	}
	c, err := chooseRefs(advertised, "main", []string{"[", "beta"})
	if err != nil || len(c.listed) != 1 || len(c.invalid) != 1 || c.invalid[0].Reason != v1alpha1.ReasonInvalidRefs {
		t.Errorf("a glob that cannot be read beside one that can: %+v, %v", c, err)
	}
}

// TestNewestRefs: every case is a list of refs from the newest to the oldest,
// with the day of the commit where it is known.
func TestNewestRefs(t *testing.T) {
	for _, test := range []struct {
		name string
		refs []string
	}{
		{"names only", []string{"v10", "v9.10", "v9.9.1", "v9.9", "v9.2", "a"}},
		{"zeros", []string{"2026-11", "2026-10", "2026-9", "2026-08"}},
		{"times", []string{"a@4", "z@3", "b@2", "y@1"}},
		{"the same time", []string{"c@2", "b@2", "a@2", "z@1"}},
		{"no commit", []string{"a@2", "b@1", "z", "y"}},
	} {
		for most := range len(test.refs) {
			c, times := chosen{others: map[string]string{}}, map[string]time.Time{}
			var want []string
			for i, entry := range test.refs {
				ref, day, known := strings.Cut(entry, "@")
				if known {
					n, _ := strconv.Atoi(day)
					times["commit of "+ref] = time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC)
				}
				c.others["refs/tags/"+ref] = "commit of " + ref
				if i < most {
					want = append(want, "refs/tags/"+ref)
				}
			}
			slices.Sort(want)
			c.newest(most, times)
			if diff := cmp.Diff(want, slices.Sorted(maps.Keys(c.others))); diff != "" {
				t.Errorf("%s, newest %d (-want +got)\n%s", test.name, most, diff)
			}
			first, _, _ := strings.Cut(test.refs[most], "@")
			if len(c.omitted) != 1 || !strings.Contains(c.omitted[0].Message, "not: "+first) {
				t.Errorf("%s, newest %d: omitted %v", test.name, most, c.omitted)
			}
		}
	}
}
