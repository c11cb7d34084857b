package watcher

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

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
		_, others, err := chooseRefs(advertised, "main", test.globs)
		if diff := cmp.Diff(test.want, slices.Sorted(maps.Keys(others))); diff != "" || err != nil {
			t.Errorf("%v: %v (-want +got)\n%s", test.globs, err, diff)
		}
	}
	for text, branch := range map[string]string{`no branch "master" (it has beta, main, release/1, release/1/fix)`: "master"} {
		_, _, err := chooseRefs(advertised, branch, nil)
		var e *git.Error
		if !errors.As(err, &e) || e.Reason != v1alpha1.ReasonBranchNotFound || !strings.Contains(e.Message, text) {
			t.Errorf("branch %s: %v, want ...%s...", branch, err, text)
		}
	}
	many := map[string]string{"refs/heads/main": "x"}
	for i := range maxRefs + 1 {
		many["refs/tags/"+strings.Repeat("v", i+1)] = "x"
	}
	if _, _, err := chooseRefs(many, "main", []string{"refs/tags/*"}); err == nil || !strings.Contains(err.Error(), "narrower") {
		t.Errorf("too many refs: %v", err)
	}
}
